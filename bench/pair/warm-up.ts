/**
 * Warms both loops of a pair up, leg by leg, until its plan says that the window may begin. Each leg ends and goes on as
 * the window will: else the branches by which a loop ends would be taken for the first time there, and the engine would
 * throw the loop out and compile it again inside the window. Guest or host thread; both meet around each leg.
 */
import { codeBytes, compiledBetween } from './code-size.ts';
import type { Side } from './half.ts';
import type { Legs } from './legs.ts';
import type { Rendezvous } from './rendezvous.ts';
import type { PairConfig } from './setup.ts';
import { collector } from './thread-stats.ts';
import { planOf } from './warm-up-plan.ts';

/** What a warm-up was. */
export interface WarmUp {
  transfers: number;
  wallNs: number;
  /** The loops were steady at its end; null where the engine does not tell. */
  steady: boolean | null;
}

export interface WarmUpParts {
  legs: Legs;
  rendezvous: Rendezvous;
  config: PairConfig;
}

/**
 * A leg that takes as many milliseconds ends with a collection. The window would collect what legs leave behind, and a
 * collection can throw optimised code out.
 */
const COLLECTED_MS = 20;

/** How long a leg keeps to a fixed rate, seconds; at a slow one for a transfer. */
const PACED_S = 0.1;

/** @throws Stopped, Stalled, CheckFailed, RingError */
export async function warmUpSide(side: Side, { legs, rendezvous, config }: WarmUpParts): Promise<WarmUp> {
  const guest = side === 'guest';
  const collect = collector();
  const plan = planOf(config.warmup);
  const beganMs = performance.now();
  let transfers = 0;
  let collected = false;
  for (;;) {
    if (guest) rendezvous.legTransfers = plan.next();
    rendezvous.meet();
    const count = rendezvous.legTransfers;
    if (count === 0) break;
    legs.reset(transfers, false);
    const before = codeBytes();
    rendezvous.meet();
    const wallMs = await runLeg(side, legs, transfers, count, config.rate);
    const compiled = compiledBetween(before, codeBytes());
    if (!guest) rendezvous.hostCompiledBytes = compiled ?? 0;
    rendezvous.meet();
    const compiledBytes = compiled === null ? null : compiled + rendezvous.hostCompiledBytes;
    plan.add({ transfers: count, wallMs, compiledBytes });
    transfers += count;
    collected = wallMs >= COLLECTED_MS;
    if (collected) collect();
  }
  if (!collected) collect();
  return { transfers, wallNs: (performance.now() - beganMs) * 1e6, steady: plan.steady };
}

/** Returns how long the part of it took that keeps to no schedule, milliseconds. */
async function runLeg(side: Side, legs: Legs, first: number, count: number, rate: number): Promise<number> {
  const paced = side === 'host' || rate === 0 ? count : Math.min(count, Math.max(1, Math.floor(rate * PACED_S)));
  const unpaced = count - paced;
  const beganMs = performance.now();
  if (unpaced > 0) await legs.runUnpaced(first, unpaced);
  const unpacedMs = performance.now() - beganMs;
  await legs.run(first + unpaced, paced);
  return unpaced > 0 ? unpacedMs : legs.wallNs / 1e6;
}
