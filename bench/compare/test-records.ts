/** Records for tests of comparisons, by what comparisons look at. */
import { captureEnvironment } from '../records/environment.ts';
import type { Outcome, Repetition, RunRecord } from '../records/record.ts';
import { recordOf as anyRecord, repetition, side } from '../records/test-record.ts';

export interface Given {
  /** Transfers a second, one a repetition. */
  speeds: readonly number[];
  /** Arguments of `run`. */
  args?: readonly string[];
  /** Rings of each side a transfer. */
  notified?: number;
  crossings?: readonly (readonly [number, number])[];
  crossedBy?: Repetition['crossedBy'];
  outcome?: Outcome;
  label?: string;
  warnings?: readonly string[];
  /** Of each repetition's guest. */
  unpinnedReason?: string;
  stoodStillNs?: number;
  /** When it was measured, seconds after a fixed moment: 0 if not given. */
  second?: number;
  environment?: Partial<RunRecord['environment']>;
}

const ENVIRONMENT = { ...captureEnvironment(), machine: 'test-machine', commit: 'a'.repeat(40), dirty: false };
const TRANSFERS = 1000;
const START_MS = Date.UTC(2026, 0, 1);
const MS_PER_S = 1000;

export function recordOf(given: Given): RunRecord {
  const { speeds, args = [], notified = 0.01, crossings, crossedBy = 'wasm' } = given;
  const { outcome = 'done', label = '', warnings = [], second = 0, environment = {} } = given;
  const { unpinnedReason = null, stoodStillNs = 0 } = given;
  const rings = side({ notified: notified * TRANSFERS });
  const guest = { ...rings, unpinnedReason, pinned: unpinnedReason === null };
  const own = { wallNs: null, transfersPerSecond: null, warmUp: null, latency: null };
  const pair = { ...own, guest, host: rings, lostWakeups: 0, verifiedTransfers: TRANSFERS };
  return anyRecord(
    {
      at: new Date(START_MS + second * MS_PER_S).toISOString(),
      label,
      warnings: [...warnings],
      outcome,
      failure: outcome === 'done' ? null : outcome,
      environment: { ...ENVIRONMENT, ...environment },
      repetitions: speeds.map((transfersPerSecond, i) => {
        const [before, after] = crossings?.[i] ?? [null, null];
        return repetition({ transfersPerSecond, crossCpuNs: [before, after], crossedBy, stoodStillNs, pairs: [pair] });
      }),
    },
    args,
  );
}

/** `count` speeds around `middle`, evenly spread over ± `spread` of it. */
export const around = (middle: number, count: number, spread = 0.02): number[] =>
  Array.from({ length: count }, (_, i) => middle * (1 + spread * ((2 * i) / Math.max(1, count - 1) - 1)));
