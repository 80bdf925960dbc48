import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodedHistogram } from '../latency/histogram.ts';
import { kindOf } from '../records/kinds-of-notes.ts';
import type { Repetition, RunRecord } from '../records/record.ts';
import { measure } from '../run/test-measure.ts';
import { figuresOf } from './figures.ts';

/** A real record; its figures are changed below. */
const { record: REAL } = await measure(['--transfers', '1k', '--warmup', '0']);
const REPETITION = REAL.repetitions[0]!;

interface Made extends Partial<Omit<RunRecord, 'sweep' | 'repetitions'>> {
  repetition: number;
  speed?: number;
  kicks?: number;
  calls?: number;
  cpuNs?: number | null;
  roundTrip?: string | null;
}

/** A record of one repetition of a sweep; without a speed, of one that was not finished. */
function made({ repetition, speed, kicks = 0, calls = 0, cpuNs = 0, roundTrip, ...rest }: Made): RunRecord {
  const pair = REPETITION.pairs[0]!;
  const finished = (transfersPerSecond: number): Repetition => ({
    ...REPETITION,
    transfersPerSecond,
    cpuUserNs: 7000,
    cpuSystemNs: 2000,
    pairs: [
      {
        ...pair,
        guest: { ...pair.guest, notified: kicks, cpuNs },
        host: { ...pair.host, notified: calls, cpuNs: 0 },
        latency:
          roundTrip === undefined
            ? null
            : { every: 1, clock: 'libc', clockNs: 1, kickToWake: null, callToWake: null, roundTrip },
      },
    ],
  });
  return {
    ...REAL,
    warnings: [],
    ...rest,
    sweep: { id: 'x', seed: 1, repetition },
    repetitions: speed === undefined ? [] : [finished(speed)],
  };
}

test('figures: medians a transfer, and the speed of each repetition by its number', () => {
  const figures = figuresOf([
    made({ repetition: 3, speed: 50, kicks: 10, calls: 1000, cpuNs: 5000 }),
    made({ repetition: 1, speed: 10, kicks: 30, calls: 2000, cpuNs: 9000 }),
    made({ repetition: 2, speed: 20, kicks: 20, calls: 3000, cpuNs: 1000 }),
  ]);
  assert.deepEqual(
    [...figures.speeds],
    [
      [3, 50],
      [1, 10],
      [2, 20],
    ],
  );
  const { median, kicks, calls, cpuNs, roundTripNs, failed, notes } = figures;
  assert.deepEqual([median, kicks, calls, cpuNs], [20, 0.02, 2, 5]);
  assert.deepEqual([roundTripNs, failed, notes], [null, false, []]);
});

test('figures: of several pairs, over the transfers of all', () => {
  const record = made({ repetition: 1, speed: 10, kicks: 30, calls: 10, cpuNs: 5000 });
  const [first] = record.repetitions;
  const { kicks, calls, cpuNs } = figuresOf([
    { ...record, repetitions: [{ ...first!, pairs: [...first!.pairs, ...first!.pairs] }] },
  ]);
  assert.deepEqual([kicks, calls, cpuNs], [0.03, 0.01, 5]);
});

test('figures: where the kernel does not tell of threads, CPU time is that of the process', () => {
  assert.equal(figuresOf([made({ repetition: 1, speed: 1, cpuNs: null })]).cpuNs, 9);
});

test('figures: of nothing there are none', () => {
  const { speeds, median, kicks, calls, cpuNs, roundTripNs, failed } = figuresOf([]);
  assert.deepEqual([speeds.size, median, kicks, calls, cpuNs, roundTripNs], [0, NaN, NaN, NaN, NaN, null]);
  assert.equal(failed, false);
});

test('figures: a failed repetition makes the cell failed, and leaves the figures to the others', () => {
  const figures = figuresOf([
    made({ repetition: 1, speed: 10 }),
    made({ repetition: 2, outcome: 'check-failed', failure: 'guest: wrong byte' }),
  ]);
  assert.deepEqual([figures.median, figures.failed], [10, true]);
  assert.deepEqual(figures.notes, ['check-failed: guest: wrong byte']);
});

test('figures: lost wake-ups have a speed, and are a failure all the same, said once', () => {
  const figures = figuresOf([
    made({ repetition: 1, speed: 10, outcome: 'lost-wakeups', warnings: ['3 wake-ups were lost'] }),
  ]);
  assert.deepEqual([figures.median, figures.failed, figures.notes], [10, true, ['3 wake-ups were lost']]);
});

test('figures: a note that differs in its numbers alone is kept once', () => {
  const note = (share: number) => [`other programs took ${share} % of the CPUs' time`, 'garbage'];
  const records = [7, 9].map((share, i) => made({ repetition: i + 1, speed: 1, warnings: note(share) }));
  assert.deepEqual(figuresOf(records).notes, note(7));
  assert.equal(kindOf('a 1.5 and 1,000'), kindOf('a 22 and 3'));
  assert.notEqual(kindOf('guest 1'), kindOf('host 1'));
});

test('figures: round trips are those of all repetitions together', () => {
  const roundTrip = (ns: number) => encodedHistogram(new Float64Array(100).fill(ns));
  const one = made({ repetition: 1, speed: 1, roundTrip: roundTrip(1000) });
  const other = made({ repetition: 2, speed: 1, roundTrip: roundTrip(9000) });
  const { p50, p99 } = figuresOf([one, other]).roundTripNs!;
  assert.ok(Math.abs(p50! - 1000) < 10 && Math.abs(p99! - 9000) < 90, `${p50} ${p99}`);
  assert.equal(figuresOf([made({ repetition: 1, speed: 1, roundTrip: null })]).roundTripNs, null);
});
