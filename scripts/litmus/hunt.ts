/**
 * The run that shows a mutant, if there is one. Most show early or never: all scenarios are looked at briefly before
 * any is searched to its end.
 */
import { Check, type Way } from './check.ts';
import type { Failure } from './explore.ts';
import type { Mutant } from './mutants.ts';
import { SCENARIOS } from './scenarios.ts';

/** Transitions of a brief look. */
const BRIEF = 3000;

export interface Killing {
  readonly scenario: string;
  readonly way: Way;
  readonly check: Check;
  readonly failure: Failure;
}

/** How a search is brought to its end, or so far: whoever waits for it may do other things meanwhile. */
export type Searching = (check: Check, transitionsMax: number, what: string) => Promise<void>;

/** Null: no scenario shows it. False: a search had to end early, so nobody knows. */
export async function hunt(
  mutant: Mutant,
  scenarios: readonly string[],
  ways: readonly Way[],
  searching: Searching,
): Promise<Killing | null | false> {
  let complete = true;
  for (const transitions of [BRIEF, Number.POSITIVE_INFINITY])
    for (const scenario of scenarios)
      for (const way of ways) {
        const check = new Check(SCENARIOS[scenario]!, way, mutant);
        await searching(check, transitions, `${scenario} ${way}`);
        const { failure, complete: whole } = check.search.result();
        if (failure !== null) return { scenario, way, check, failure };
        if (!whole && transitions > BRIEF) complete = false;
      }
  return complete ? null : false;
}

/** The same where nobody does anything meanwhile. */
export const atOnce: Searching = async ({ search }, transitionsMax) => {
  search.advance(transitionsMax);
};

/** The scenarios that are searched without being named. */
export const scenarioNames = (long: boolean) => Object.keys(SCENARIOS).filter((name) => long || !SCENARIOS[name]!.long);
