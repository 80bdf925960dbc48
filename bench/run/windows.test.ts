import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instant, SideReport } from '../pair/side.ts';
import { side } from '../records/test-record.ts';
import { parseRunOptions } from './options.ts';
import { toRepetition } from './windows.ts';

const TRANSFERS = 1000;

/** At a time in seconds, with CPU seconds of the process and of all programs. */
const instant = (atS: number, userS: number, busyS: number): Instant => ({
  atNs: atS * 1e9,
  cpuUserNs: userS * 1e9,
  cpuSystemNs: 0,
  machine: { stolenNs: atS * 1e6, otherCpuNs: (busyS - userS) * 1e9 },
});

const WARM_UP = { transfers: 64, wallNs: 5e6, steady: true };

function sideReport(window: SideReport['window']): SideReport {
  const crossCpuNs: SideReport['crossCpuNs'] = [null, null];
  return { record: side(), lostWakeups: 1, transfers: TRANSFERS, crossCpuNs, latency: null, window };
}

function report(start: Instant, end: Instant, tenth: number) {
  const window = { start, end, wallNs: end.atNs - start.atNs, tenths: [tenth, 2 * tenth], warmUp: WARM_UP };
  return { guest: sideReport(window), host: sideReport(null) };
}

const of = (where: string, reports: Parameters<typeof toRepetition>[1]) => {
  const args = ['--parallel', '--transfers', String(TRANSFERS), '--pairs', '2', '--pairs-in', where];
  return toRepetition(parseRunOptions(args).config, reports, { load: null, peakRssBytes: 5, stoodStillNs: 0 });
};

test('windows: from the first start to the last end, each pair with its own', () => {
  const { wallNs, transfersPerSecond, tenths, pairs, stealNs, peakRssBytes } = of('thread', [
    report(instant(10, 1, 50), instant(14, 9, 62), 300),
    report(instant(11, 2, 52), instant(12, 4, 55), 500),
  ]);
  assert.deepEqual([wallNs, transfersPerSecond, tenths, peakRssBytes], [4e9, 500, [800, 1600], 5]);
  assert.deepEqual(
    pairs.map((pair) => [pair.wallNs, pair.transfersPerSecond, pair.lostWakeups, pair.verifiedTransfers]),
    [
      [4e9, 250, 2, TRANSFERS],
      [1e9, 1000, 2, TRANSFERS],
    ],
  );
  assert.equal(stealNs, 4e6);
});

const cpu: [where: string, second: [Instant, Instant], userS: number, otherS: number][] = [
  // One process: what it had used from the first start to the last end, 8 of 12 seconds.
  ['thread', [instant(11, 2, 52), instant(12, 4, 55)], 8, 4],
  // Two: 8 seconds of one and 2 of the other.
  ['process', [instant(11, 101, 52), instant(12, 103, 55)], 10, 2],
  // The last to end is the second's process, whose own time is another than the first's.
  ['process', [instant(11, 101, 52), instant(15, 103, 63)], 10, 3],
];
for (const [where, second, userS, otherS] of cpu)
  test(`windows: CPU time in a ${where}, to ${second[1].atNs / 1e9} s`, () => {
    const { cpuUserNs, otherCpuNs } = of(where, [
      report(instant(10, 1, 50), instant(14, 9, 62), 1),
      report(...second, 1),
    ]);
    assert.deepEqual([cpuUserNs, otherCpuNs], [userS * 1e9, otherS * 1e9]);
  });
