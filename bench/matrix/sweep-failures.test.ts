/** Sweeps in which something fails: it is recorded, told, and the rest goes on. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import type { Hooks } from '../command-line/command.ts';
import type { Fault } from '../pair/faults.ts';
import type { RunConfig } from '../records/record.ts';
import { CELLS, fileOf, matrix, ONCE, recordsIn, taskOf } from './test-sweep.ts';

test('sweep: a record that cannot be appended ends it with the figures that there are', async (t) => {
  if (!existsSync('/dev/full')) return t.skip('no /dev/full here');
  const { code, out, err } = await matrix('/dev/full');
  assert.equal(code, 1);
  assert.match(out, /eventidx {2}batch/);
  assert.match(err, /^failed: a record could not be appended to \/dev\/full: ENOSPC[^\n]*$/);
});

const failures: [what: string, fault: Fault, args: string[], code: number, outcome: string, note: RegExp][] = [
  [
    'a changed byte',
    { side: 'host', kind: 'corrupt', transfer: 100 },
    [],
    1,
    'check-failed',
    /check-failed: .*payload/,
  ],
  ['an exception', { side: 'guest', kind: 'throw', transfer: 100 }, [], 1, 'failed', /failed: .*planted exception/],
  ['a silent peer', { side: 'host', kind: 'silence', transfer: 100 }, ['--timeout', '3'], 3, 'stalled', /stalled: /],
];
for (const [what, fault, args, code, outcome, note] of failures)
  test(`sweep: ${what} in one cell is recorded as ${outcome}, and the others are measured`, async () => {
    const file = fileOf(outcome);
    const faultIn: Hooks['faultIn'] = ({ eventidx, batch }) => eventidx && batch === 4;
    const ended = await matrix(file, [...ONCE, ...args], { fault, faultIn });
    assert.equal(ended.code, code);
    const records = recordsIn(file);
    assert.equal(new Set(records.map(taskOf)).size, CELLS);
    for (const { config, outcome: was, repetitions, failure } of records) {
      const planted = faultIn(config);
      assert.deepEqual([was, repetitions.length, failure !== null], planted ? [outcome, 0, true] : ['done', 1, false]);
    }
    assert.match(ended.out, /^on +4 +– +\[\d\]$/m);
    assert.match(ended.out, note);
    assert.match(ended.out, /\nno strategy is named: one repetition tells of no scatter/);
    // A failed repetition is over, too.
    const again = await matrix(file, [...ONCE, ...args, '--seed', String(ended.seed)]);
    assert.match(again.out, /left: 0\n/);
    assert.equal(again.code, code);
    assert.equal(recordsIn(file).length, CELLS);
  });

test('sweep: all cells failing leave a table of dashes, no map, and the exit code', async () => {
  const { code, out } = await matrix('none', ONCE, { fault: { side: 'guest', kind: 'throw', transfer: 1 } });
  assert.equal(code, 1);
  assert.equal(out.match(/^o.*–/gm)?.length, 4);
  assert.doesNotMatch(out, /M\/s by/);
  assert.match(out, /not compared with the default: eventidx=off batch=16 did not end well in every cell$/);
});

test('sweep: lost wake-ups are recorded with their figures, warned of, and the exit code', async () => {
  const file = fileOf('lost');
  const fault: Fault = { side: 'host', kind: 'mute', transfer: 41_000 };
  const faultIn = ({ eventidx, batch }: RunConfig) => eventidx && batch === 16;
  const args = [...ONCE, '--transfers', '40k', '--warmup', '2k', '--timeout', '3', '--cpus', 'same', '--look-us', '0'];
  const { code, out } = await matrix(file, args, { fault, faultIn });
  assert.equal(code, 3);
  const lost = recordsIn(file).filter(({ outcome }) => outcome === 'lost-wakeups');
  assert.ok(lost.length > 0);
  for (const { config, repetitions, warnings } of lost) {
    assert.ok(faultIn(config));
    assert.ok(repetitions[0]!.pairs[0]!.lostWakeups > 0);
    assert.match(warnings.join('\n'), /wake-ups? (was|were) lost/);
  }
  assert.match(out, /wake-ups? (was|were) lost/);
});
