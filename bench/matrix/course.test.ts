import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeCourse } from '../command-line/progress.ts';
import { recordOf } from '../records/test-record.ts';
import { SweepCourse } from './course.ts';
import { parseMatrixOptions } from './options.ts';
import { tasksInOrder } from './order.ts';

const LOG = { isTTY: false } as NodeJS.WriteStream;

/** The log of a sweep whose repetitions take so long, by their cell; first what is expected of it. */
function logOf(args: readonly string[], taskMs: (cell: number) => number): string[] {
  const { cells, repetitions } = parseMatrixOptions(args);
  const tasks = tasksInOrder(cells.length, repetitions, 1);
  let atMs = 0;
  const nowMs = () => atMs;
  const lines: string[] = [];
  const time = new SweepCourse(
    cells,
    tasks,
    cells.map(() => []),
    nowMs,
  );
  const course = makeCourse(LOG, (line) => lines.push(line), nowMs);
  const expected = time.expected();
  for (const [over, task] of tasks.entries()) {
    time.show(course, task, over);
    atMs += taskMs(task.cell);
  }
  return expected === null ? lines : [expected, ...lines];
}

test('course: a sweep of half an hour says so first, then now and then how much is left', () => {
  const args = ['--eventidx', 'on,off', '--batch', '1,2,4,8,16,32,64', '--cpus', 'same,distant', '--repeat', '30'];
  const [expected, ...lines] = logOf(args, () => 2140);
  assert.equal(expected, 'expected: about 28 min for 840 repetitions, an estimate');
  assert.ok(lines.length >= 15 && lines.length <= 20, `${lines.length}`);
  // At 2.14 s each: the first line after half a minute, then one for each 42 repetitions.
  assert.deepEqual(lines.slice(0, 3), [
    '15 of 840 repetitions, about 29 min left',
    '42 of 840 repetitions, about 28 min left',
    '84 of 840 repetitions, about 27 min left',
  ]);
  assert.match(lines.at(-1)!, /^79\d of 840 repetitions, about (88|90) s left$/);
});

test('course: what is left is told by the cells that are left, not by those that were', () => {
  // One cell of two takes 20 times as long as the other; half of each is over after half of the tasks.
  const lines = logOf(['--batch', '1,2', '--repeat', '40'], (cell) => (cell === 0 ? 20_000 : 1000));
  const [over, minutes] = /^(\d+) of 80 repetitions, about (\d+) min left$/.exec(lines[5]!)!.slice(1).map(Number);
  const left = 80 - over!;
  assert.ok(Math.abs(minutes! - (left / 2) * (21 / 60)) <= 0.9, lines[5]);
});

test('course: of a sweep that is far slower than was expected the first line says so, long before its first twentieth', () => {
  const [expected, first] = logOf(['--batch', '1,2,4', '--repeat', '300'], () => 14_000);
  assert.equal(expected, 'expected: about 30 min for 900 repetitions, an estimate');
  assert.equal(first, '3 of 900 repetitions, about 3.5 h left');
});

test('course: a sweep that goes on expects what was measured of it before', () => {
  const { cells } = parseMatrixOptions(['--batch', '1,2', '--repeat', '30']);
  const tasks = tasksInOrder(2, 30, 1).slice(2);
  const [repetition] = recordOf().repetitions;
  const record = { ...recordOf(), repetitions: [{ ...repetition!, wallNs: 59.15e9 }] };
  assert.equal(
    new SweepCourse(cells, tasks, [[record], [record]]).expected(),
    'expected: about 58 min for 58 repetitions, an estimate',
  );
});

test('course: a short sweep is begun without a word', () => {
  assert.deepEqual(
    logOf(['--batch', '1,2', '--transfers', '2k', '--warmup', '0'], () => 300),
    [],
  );
});
