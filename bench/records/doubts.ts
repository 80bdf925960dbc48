/** What a record says against its own figures. Pure; main thread. */
import type { RunRecord } from './record.ts';

const NS_PER_S = 1e9;

/**
 * The warnings of a record, and what its sides say that is no warning of its own: a thread that was to be pinned and was
 * not, a process that stood still. One line each; none for a record whose figures are not doubtful.
 */
export function doubtsOf({ config, repetitions, warnings }: RunRecord): string[] {
  const doubts = [...warnings];
  const says = (part: string) => warnings.some((warning) => warning.includes(part));
  const stillNs = repetitions.reduce((longest, { stoodStillNs }) => Math.max(longest, stoodStillNs ?? 0), 0);
  if (stillNs > 0 && !says('stood still')) doubts.push(`the run stood still for ${(stillNs / NS_PER_S).toFixed(1)} s`);
  if (config.cpus === 'none') return doubts;
  // One thread tells of all: they are pinned in the same way.
  const sides = repetitions.flatMap(({ pairs }) => pairs.flatMap(({ guest, host }) => [guest, host]));
  const reason = sides.find(({ pinned }) => !pinned)?.unpinnedReason;
  if (reason != null && !says(reason)) doubts.push(`a thread was not pinned: ${reason}`);
  return doubts;
}
