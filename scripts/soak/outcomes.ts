/** Which ends each planted fault may have, and what a run must show that ended so. */

import { LAYOUTS } from '../../bench/axes/layouts.ts';
import type { Outcome, Repetition, RunConfig } from '../../bench/records/record.ts';
import type { RepetitionResult } from '../../bench/run/repetition.ts';
import type { Planted, PlantedKind } from './planted.ts';

/** `refused`: the options cannot be combined, which is found before anything starts. */
export type SoakOutcome = Outcome | 'refused';

type Allowed = Partial<Record<Outcome, RegExp | null>>;

const WRONG_LENGTH = /^transfer \d+: used length: expected \d+, got \d+$/;

/** By fault: the ends it may have, each with what its failure says. */
const ALLOWED: Record<PlantedKind | 'none', Allowed> = {
  none: { done: null },
  throw: { failed: /planted exception/ },
  exit: { failed: /a thread ended/ },
  silence: { stalled: /the peer did nothing for/ },
  garbage: { done: null },
  // A byte that is written anew before it is read, or of which there is none, costs nothing.
  corrupt: { done: null, 'check-failed': /^transfer \d+: / },
  // A ring that nobody waited for is missed by nobody.
  mute: { done: null, 'lost-wakeups': null },
  pause: { done: null },
  longer: { 'check-failed': WRONG_LENGTH },
  shorter: { 'check-failed': WRONG_LENGTH },
  huge: { 'check-failed': WRONG_LENGTH },
  // The run may have been over.
  kill: { done: null, failed: /the process of a pair ended: SIGKILL/ },
  interrupt: { done: null, interrupted: /by a signal/ },
};

/** Why this is not how a run with that fault may end; null: it is. */
export function wrongEnd(config: RunConfig, planted: Planted | null, result: RepetitionResult): string | null {
  const { outcome } = result;
  const allowed = ALLOWED[planted?.kind ?? 'none'];
  if (!(outcome in allowed)) {
    const why = 'failure' in result ? `: ${result.failure}` : '';
    return `${outcome}${why}, where ${planted?.kind ?? 'nothing'} was planted`;
  }
  if ('failure' in result) {
    const said = allowed[outcome];
    return said?.test(result.failure) ? null : `${outcome}, but says ${result.failure}`;
  }
  for (const [i, pair] of result.repetition.pairs.entries()) {
    const why = wrongPair(config, pair, outcome, planted?.pair === i ? planted : null);
    if (why !== null) return `pair ${i}: ${why}`;
  }
  return null;
}

function wrongPair(
  config: RunConfig,
  pair: Repetition['pairs'][0],
  outcome: Outcome,
  planted: Planted | null,
): string | null {
  const { guest, host, lostWakeups, verifiedTransfers } = pair;
  const verified = LAYOUTS[config.layout].carries && !config.fastVringh ? config.transfers : 0;
  if (verifiedTransfers !== verified) return `${verifiedTransfers} transfers verified, not ${verified}`;
  if (lostWakeups > 0 && planted?.kind !== 'mute') return `${lostWakeups} wake-ups lost`;
  if (outcome === 'done' && lostWakeups > 0) return `${lostWakeups} wake-ups lost in a run that ended well`;
  if (guest.notified < host.pinged) return `${guest.notified} kicks rung, ${host.pinged} taken`;
  if (host.notified < guest.pinged) return `${host.notified} calls rung, ${guest.pinged} taken`;
  if (planted?.kind === 'garbage' && pair[planted.side].gcCount === 0)
    return 'garbage was left, and no collection counted';
  return null;
}
