/** Records for tests of comparisons: a real run's shape, with figures of the test's own. */

import { captureEnvironment } from '../records/environment.ts';
import { makeRecord, type Outcome, type Repetition, type RunConfig, type RunRecord } from '../records/record.ts';
import { parseRunOptions } from '../run/options.ts';

export interface Given {
  /** Transfers a second, one a repetition. */
  speeds: readonly number[];
  /** Arguments of `run`. */
  args?: readonly string[];
  /** Rings of each side a transfer. */
  notified?: number;
  crossings?: readonly (readonly [number, number])[];
  outcome?: Outcome;
  label?: string;
  environment?: Partial<RunRecord['environment']>;
}

const ENVIRONMENT = { ...captureEnvironment(), machine: 'test-machine', commit: 'a'.repeat(40), dirty: false };

function sideOf(config: RunConfig, notified: number): Repetition['pairs'][0]['guest'] {
  return {
    cpu: 0,
    pinned: true,
    unpinnedReason: null,
    nice: 0,
    notified: Math.round(notified * config.transfers),
    suppressed: 0,
    wakeSyscalls: 0,
    pinged: 0,
    spurious: 0,
    spins: 0,
    spinUs: 0,
    asleepNs: 0,
    cpuNs: 1000,
    voluntarySwitches: 0,
    involuntarySwitches: 0,
    gcCount: 0,
  };
}

export function recordOf(given: Given): RunRecord {
  const { speeds, args = [], notified = 0.01, crossings, outcome = 'done', label = '', environment = {} } = given;
  const { config } = parseRunOptions(['--parallel', '--repeat', String(Math.max(1, speeds.length)), ...args]);
  return makeRecord({
    at: '2026-01-01T00:00:00.000Z',
    label,
    outcome,
    failure: outcome === 'done' ? null : outcome,
    config,
    environment: { ...ENVIRONMENT, ...environment },
    sweep: null,
    harness: null,
    warnings: [],
    repetitions: speeds.map((transfersPerSecond, i): Repetition => {
      const [before, after] = crossings?.[i] ?? [null, null];
      return {
        wallNs: (config.transfers * 1e9) / transfersPerSecond,
        cpuUserNs: 0,
        cpuSystemNs: 0,
        transfersPerSecond,
        tenths: [],
        crossCpuNs: [before, after],
        load: 0,
        stealNs: 0,
        otherCpuNs: 0,
        peakRssBytes: 0,
        pairs: [
          {
            guest: sideOf(config, notified),
            host: sideOf(config, notified),
            lostWakeups: 0,
            verifiedTransfers: config.transfers,
            latency: null,
          },
        ],
      };
    }),
  });
}

/** `count` speeds around `middle`, evenly spread over ± `spread` of it. */
export const around = (middle: number, count: number, spread = 0.02): number[] =>
  Array.from({ length: count }, (_, i) => middle * (1 + spread * ((2 * i) / Math.max(1, count - 1) - 1)));
