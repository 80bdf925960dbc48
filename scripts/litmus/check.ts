/** One scenario in one memory model with one ordering, as it is or with a mutant: made ready to be searched. */
import { ORDERINGS } from '../../src/ordering/index.ts';
import { type Failure, Search, shortest } from './explore.ts';
import { Machine, type Model } from './machine.ts';
import type { Mutant } from './mutants.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';
import { SideGraph } from './side-graph.ts';
import { Stage } from './sides.ts';
import { traceOf } from './trace.ts';

/** How accesses are made, and what becomes of them. In `sc` all orderings are the same. */
export const WAYS = {
  'sc/seqcst': { model: 'sc', ordering: 'seqcst' },
  'tso/seqcst': { model: 'tso', ordering: 'seqcst' },
  'tso/fence': { model: 'tso', ordering: 'fence' },
} as const satisfies Record<string, { model: Model; ordering: keyof typeof ORDERINGS }>;
export type Way = keyof typeof WAYS;

/** What one search may hold: it ends without a proof when it has seen so many states, about 100 bytes each. */
export const STATES_MAX = 5_000_000;

export class Check {
  readonly search: Search;
  private readonly stage: Stage;
  private readonly machine: Machine;

  constructor(scenario: Scenario, way: Way, mutant: Mutant | null) {
    const { model } = WAYS[way];
    const ordering = mutant !== null && mutant.change === null ? 'none' : WAYS[way].ordering;
    const mutation = mutant?.change && mutant.side ? { side: mutant.side, change: mutant.change } : null;
    this.stage = new Stage(scenario, ORDERINGS[ordering], mutation);
    const [guest, host] = this.stage.sides;
    this.machine = new Machine([new SideGraph(guest), new SideGraph(host)], model, this.stage.initial);
    this.search = new Search(this.machine, STATES_MAX);
  }

  /** The failure that the search found, or a shorter one, step by step. */
  trace(found: Failure): string[] {
    const failure = shortest(this.machine, STATES_MAX) ?? found;
    return traceOf(this.machine, this.stage.locations.names, failure);
  }
}

/** The scenarios that are explored without being named. */
export const scenarioNames = (long: boolean) => Object.keys(SCENARIOS).filter((name) => long || !SCENARIOS[name]!.long);
