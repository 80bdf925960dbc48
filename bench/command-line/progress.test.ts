import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bar, durationOf, expectedLine, makeCourse, makeProgress, timeLeft } from './progress.ts';

const durations: [ms: number, expected: string][] = [
  [0, '0 s'],
  [9499, '9 s'],
  [59_499, '59 s'],
  [59_500, '1:00 min'],
  [125_000, '2:05 min'],
  [3_599_400, '59:59 min'],
  [3_600_000, '1:00 h'],
  [3_900_000, '1:05 h'],
  [360_000_000, '100:00 h'],
];
for (const [ms, expected] of durations)
  test(`progress: ${ms} ms is ${expected}`, () => assert.equal(durationOf(ms), expected));

const bars: [over: number, whole: number, filled: number][] = [
  [0, 7, 0],
  [1, 2, 12],
  [1, 1000, 0],
  [999, 1000, 24],
  [7, 7, 24],
];
for (const [over, whole, filled] of bars)
  test(`progress: a bar of ${over} of ${whole}`, () =>
    assert.equal(bar(over, whole), '█'.repeat(filled) + '░'.repeat(24 - filled)));

function drawn(isTTY: boolean, columns: number): string {
  let text = '';
  const write = (part: string) => {
    text += part;
    return true;
  };
  const progress = makeProgress({ isTTY, columns, write } as NodeJS.WriteStream);
  progress.show('0123456789');
  progress.clear();
  return text;
}

const streams: [what: string, isTTY: boolean, columns: number, expected: string][] = [
  ['is drawn and taken back', true, 80, '\r\x1b[K0123456789\r\x1b[K'],
  ['never wraps', true, 6, '\r\x1b[K01234\r\x1b[K'],
  ['is drawn where a terminal tells no width', true, 0, '\r\x1b[K0123456789\r\x1b[K'],
  ['is for people alone', false, 80, ''],
];
for (const [what, isTTY, columns, expected] of streams)
  test(`progress: the line ${what}`, () => assert.equal(drawn(isTTY, columns), expected));

const expectations: [ms: number | null, expected: string | null][] = [
  [null, null],
  [29_999, null],
  [30_000, 'expected: about 30 s for 1 cell, an estimate'],
  [89_900, 'expected: about 90 s for 1 cell, an estimate'],
  [90_000, 'expected: about 2 min for 1 cell, an estimate'],
  [1_680_000, 'expected: about 28 min for 1 cell, an estimate'],
  [5_399_000, 'expected: about 90 min for 1 cell, an estimate'],
  [5_400_000, 'expected: about 1.5 h for 1 cell, an estimate'],
  [360_000_000, 'expected: about 100.0 h for 1 cell, an estimate'],
];
for (const [ms, expected] of expectations)
  test(`progress: before ${ms} ms: ${expected}`, () => assert.equal(expectedLine(ms, '1 cell'), expected));

test('progress: the time left is said where it is known', () => {
  assert.deepEqual([null, 0, 4000, 600_000].map(timeLeft), [
    '',
    ', about 1 s left',
    ', about 4 s left',
    ', about 10 min left',
  ]);
});

/** The lines of a log, each with its time, of so many tasks of that length. */
function log(tasks: number, taskMs: number): { atMs: number; line: string }[] {
  const lines: { atMs: number; line: string }[] = [];
  let atMs = 0;
  const stream = {
    isTTY: false,
    write: () => assert.fail('a log has no status line'),
  } as unknown as NodeJS.WriteStream;
  const course = makeCourse(
    stream,
    (line) => lines.push({ atMs, line }),
    () => atMs,
  );
  for (let i = 0; i < tasks; i++) {
    course.show(i / tasks, 'status', `${i}`);
    course.show(i / tasks, 'status', null);
    atMs += taskMs;
    course.clear();
  }
  return lines;
}

const logs: [what: string, tasks: number, taskMs: number, least: number, most: number][] = [
  ['half an hour of short tasks', 840, 2140, 18, 20],
  ['a day of long tasks', 24, 3_600_000, 18, 20],
  ['a million tasks', 1_000_000, 2000, 18, 20],
  ['two minutes', 60, 2000, 3, 4],
  ['less than half a minute', 14, 2000, 0, 0],
  ['one task', 1, 1_000_000, 0, 0],
];
for (const [what, tasks, taskMs, least, most] of logs)
  test(`progress: of ${what} a log has ${least} to ${most} lines, half a minute apart`, () => {
    const lines = log(tasks, taskMs);
    assert.ok(lines.length >= least && lines.length <= most, `${lines.length}`);
    for (const [i, { atMs }] of lines.entries()) assert.ok(atMs - (lines[i - 1]?.atMs ?? 0) >= 30_000);
  });

test('progress: a terminal has the status line of every task and no lines', () => {
  let text = '';
  const write = (part: string) => {
    text += part;
    return true;
  };
  let atMs = 0;
  const stream = { isTTY: true, columns: 80, write } as NodeJS.WriteStream;
  const course = makeCourse(
    stream,
    () => assert.fail('a line'),
    () => atMs,
  );
  for (; atMs < 1e6; atMs += 5e5) course.show(atMs / 1e6, `at ${atMs}`, 'line');
  course.clear();
  assert.equal(text, '\r\x1b[Kat 0\r\x1b[Kat 500000\r\x1b[K');
});
