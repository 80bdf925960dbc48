import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assumedMs, measuredMs } from './expected-time.ts';
import { parseRunOptions } from './options.ts';
import { measure } from './test-measure.ts';

const secondsOf = (args: string) => assumedMs(parseRunOptions(['--parallel', ...args.split(' ')]).config) / 1000;

// What a run takes is for the run to tell: here is only what makes it longer, and about how much.
const cases: [args: string, least: number, most: number][] = [
  ['--transfers 2k --warmup 0', 0.2, 0.5],
  ['--transfers 2M', 1.5, 2.5],
  ['--transfers 10M', 3, 6],
  ['--rate 1k --transfers 30k', 30, 33],
  ['--rate 1k --warmup 10k --transfers 1k', 11, 12],
  ['--transfers 2M --exit-cost 10000 --batch 1', 40, 43],
  ['--transfers 2M --exit-cost 10000 --eventidx', 1.5, 2.5],
  ['--transfers 2M --exit-cost 10000 --batch 16', 3, 6],
  ['--transfers 200k --workload bulk --size 64k', 3, 6],
];
for (const [args, least, most] of cases)
  test(`expected time: ${args} is assumed to take ${least} to ${most} s`, () => {
    const seconds = secondsOf(args);
    assert.ok(seconds >= least && seconds <= most, `${seconds} s`);
  });

test('expected time: of a record it is what its repetitions took, warm-up and window', async () => {
  const { record } = await measure(['--transfers', '2k', '--warmup', '2k', '--repeat', '2']);
  const times = measuredMs(record);
  assert.equal(times.length, 2);
  for (const [i, { wallNs, pairs }] of record.repetitions.entries()) {
    const besidesMs = times[i]! - (wallNs + pairs[0]!.warmUp!.wallNs) / 1e6;
    assert.ok(besidesMs > 0 && besidesMs < 1000, `${besidesMs} ms`);
  }
  assert.deepEqual(measuredMs({ ...record, repetitions: [] }), []);
});
