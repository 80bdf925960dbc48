/** What makes a run's figures doubtful. Main thread. */

import { UNTIL_STEADY } from '../axes/warm-up.ts';
import { counted, grouped } from '../command-line/columns.ts';
import { MODE_FACTOR } from '../pair/calibration.ts';
import { MOVED } from '../pair/pinning.ts';
import { standstillWarnings } from '../pair/standstill.ts';
import type { Repetition, RunConfig } from '../records/record.ts';
import { greatest, least } from '../statistics/sample.ts';
import { windowWarnings } from './window-warnings.ts';

/** CPUs that threads of several pairs ran on. */
function sharedCpus(repetitions: readonly Repetition[]): number[] {
  const shared = repetitions.flatMap(({ pairs }) => {
    const all = pairs.flatMap(({ guest, host }) => [...new Set([guest.cpu, host.cpu])].filter((cpu) => cpu !== null));
    return all.filter((cpu, i) => all.indexOf(cpu) < i);
  });
  return [...new Set(shared)].sort((a, b) => a - b);
}

/** Parts of the time of all CPUs from which others disturbed the run. */
const OTHERS_SHARE_MAX = 0.05;
/** Less is within the kernel's clock ticks. */
const OTHERS_MIN_NS = 50_000_000;
const STEAL_SHARE_MAX = 0.01;
/** The part of a fixed rate that must be reached. */
const RATE_HELD = 0.98;

/** What makes the figures doubtful, one line each. */
export function warningsOf(config: RunConfig, repetitions: readonly Repetition[], cpus: number): string[] {
  const lines: string[] = windowWarnings(config, repetitions);
  if (!config.orderingSound) lines.push(`ordering ${config.ordering} is not guaranteed by the language`);
  const crossings = repetitions.flatMap(({ crossCpuNs }) => crossCpuNs.filter((value) => value !== null));
  if (crossings.length > 0 && greatest(crossings) > MODE_FACTOR * least(crossings))
    lines.push(
      `the way between the CPUs changed from ${least(crossings).toFixed(0)} to ` +
        `${greatest(crossings).toFixed(0)} ns: figures of different modes should not be compared`,
    );
  const rate = config.rate * config.pairs;
  const slowest = least(repetitions.map(({ transfersPerSecond }) => transfersPerSecond));
  if (rate > 0 && slowest < RATE_HELD * rate)
    lines.push(`the rate was not held: ${slowest.toFixed(0)} of ${rate} transfers a second`);
  const shared = sharedCpus(repetitions);
  if (shared.length > 0)
    lines.push(`pairs shared CPU ${shared.join(', ')}: what they had of it was the scheduler's choice`);
  const others = greatest(
    repetitions.map(({ otherCpuNs, wallNs }) =>
      (otherCpuNs ?? 0) < OTHERS_MIN_NS ? 0 : otherCpuNs! / (wallNs * cpus),
    ),
  );
  if (others > OTHERS_SHARE_MAX) lines.push(`other programs took ${(100 * others).toFixed(0)} % of the CPUs' time`);
  const stolen = greatest(repetitions.map(({ stealNs, wallNs }) => (stealNs ?? 0) / (wallNs * cpus)));
  if (stolen > STEAL_SHARE_MAX) lines.push(`the hypervisor took ${(100 * stolen).toFixed(0)} % of the CPUs' time`);
  const sides = repetitions.flatMap(({ pairs }) => pairs.flatMap(({ guest, host }) => [guest, host]));
  if (repetitions.some(({ pairs }) => pairs.some(({ warmUp }) => warmUp?.steady === false)))
    lines.push(
      config.warmup === UNTIL_STEADY
        ? 'the loops were not steady at the end of the longest warm-up: other programs, or a clock that changes'
        : `the loops were not steady after ${grouped(config.warmup)} transfers of warm-up: leave --warmup to itself`,
    );
  const moved = sides.find(({ unpinnedReason }) => unpinnedReason?.startsWith(MOVED));
  if (moved !== undefined) lines.push(`a thread was ${moved.unpinnedReason}`);
  for (const line of standstillWarnings(repetitions.map(({ stoodStillNs }) => stoodStillNs))) lines.push(line);
  const collections = repetitions.some(({ pairs }) =>
    pairs.some(({ guest, host }) => guest.gcCount + host.gcCount > 0),
  );
  if (collections) lines.push('garbage was collected inside a measured window');
  const lost = repetitions.reduce((sum, { pairs }) => sum + pairs.reduce((of, pair) => of + pair.lostWakeups, 0), 0);
  if (lost > 0) lines.push(`${counted(lost, 'wake-up')} ${lost === 1 ? 'was' : 'were'} lost`);
  return lines;
}
