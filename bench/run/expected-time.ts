/**
 * How long repetitions are going to take: an estimate before the first one, which what was measured replaces. It is for
 * people who wait, and in no figure. Main thread.
 */
import { UNTIL_STEADY } from '../axes/warm-up.ts';
import type { RunConfig, RunRecord } from '../records/record.ts';

/** Assumed of a machine of which nothing is known yet: what starting and ending threads takes, and a warm-up. */
const START_MS = 350;
const STEADY_MS = 1000;
/** And a transfer, a byte of it, nanoseconds. */
const TRANSFER_NS = 330;
const BYTE_NS = 0.2;

/** One repetition, milliseconds, where none was measured. */
export function assumedMs(config: RunConfig): number {
  const { transfers, warmup, rate, size, exitCost, eventidx, batch } = config;
  // Without event index each batch is kicked for, and called for about as often where the peer keeps up.
  const ringsNs = eventidx ? 0 : (2 * exitCost) / batch;
  const transferMs = rate > 0 ? 1000 / rate : (TRANSFER_NS + BYTE_NS * size + ringsNs) / 1e6;
  return START_MS + (warmup === UNTIL_STEADY ? STEADY_MS : warmup * transferMs) + transfers * transferMs;
}

/** What the repetitions of a record took, milliseconds; of one that was not finished nothing is known. */
export function measuredMs({ repetitions }: RunRecord): number[] {
  return repetitions.map(({ wallNs, pairs }) => {
    const warmUpNs = pairs.reduce((most, { warmUp }) => Math.max(most, warmUp?.wallNs ?? 0), 0);
    return START_MS + (warmUpNs + wallNs) / 1e6;
  });
}
