/** What an oracle expects of one call, and how it is compared with what happened. */
import { RingError } from '../ring/errors.ts';
import type { Wrong } from './chain.ts';
import { type Access, Disagreement, describeAccess } from './reads.ts';

/** What a call must do. */
export interface Expected {
  /** What it returns; unless something is wrong. */
  readonly returns?: unknown;
  /** It throws a RingError, one of these. */
  readonly wrong?: readonly Wrong[];
  /** What it writes: groups in their order, in each the writes in any order. */
  readonly writes: readonly (readonly Access[])[];
}

/** What it did. */
type Outcome = { readonly returned: unknown } | { readonly threw: unknown };

export function outcomeOf(act: () => unknown): Outcome {
  try {
    return { returned: act() };
  } catch (threw) {
    return { threw };
  }
}

/** @throws Disagreement */
export function same(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted) throw new Disagreement(`${what} is ${String(found)}, not ${String(wanted)}`);
}

const wrongText = ({ code, index, value }: Wrong) => `${code} at ${index}: ${value}`;

/** @throws Disagreement. Returns what was wrong, or null. */
export function compareOutcome(outcome: Outcome, { returns, wrong }: Expected): Wrong | null {
  const wanted = wrong === undefined ? `${String(returns)} returned` : wrong.map(wrongText).join(' or ');
  if ('returned' in outcome) {
    if (wrong !== undefined || outcome.returned !== returns)
      throw new Disagreement(`returned ${String(outcome.returned)}, not ${wanted}`);
    return null;
  }
  const { threw } = outcome;
  if (threw instanceof Disagreement) throw threw;
  if (!(threw instanceof RingError))
    throw new Disagreement(`threw what is no RingError: ${threw instanceof Error ? threw.stack : String(threw)}`);
  const found = wrong?.find(
    ({ code, index, value }) => threw.code === code && threw.index === index && threw.value === value,
  );
  if (found === undefined) throw new Disagreement(`threw ${wrongText(threw)}, not ${wanted}`);
  return found;
}

const sorted = (accesses: readonly Access[]) => accesses.map(describeAccess).sort().join('; ');

/** @throws Disagreement */
export function compareWrites(writes: readonly Access[], expected: Expected['writes']): void {
  let from = 0;
  for (const group of expected) {
    const [did, wanted] = [sorted(writes.slice(from, from + group.length)), sorted(group)];
    if (did !== wanted) throw new Disagreement(`wrote ${did || 'nothing'}, not ${wanted}`);
    from += group.length;
  }
  const more = writes[from];
  if (more !== undefined) throw new Disagreement(`wrote once too often: ${describeAccess(more)}`);
}
