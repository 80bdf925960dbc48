/** One scenario in one memory model with one ordering, as it is or with a mutant: made ready to be searched. */
import { ORDERINGS } from '../../src/ordering/index.ts';
import { type Failure, Search, shortest } from './explore.ts';
import { Machine, type Model } from './machine.ts';
import type { Mutant } from './mutants.ts';
import type { Scenario } from './scenarios.ts';
import { SideGraph } from './side-graph.ts';
import { Stage } from './sides.ts';
import { traceOf } from './trace.ts';

/** In what memory, and by which ordering. In `sc` all orderings are the same. */
export const WAYS = {
  'sc/seqcst': { model: 'sc', ordering: 'seqcst' },
  'tso/seqcst': { model: 'tso', ordering: 'seqcst' },
  'tso/fence': { model: 'tso', ordering: 'fence' },
} as const satisfies Record<string, { model: Model; ordering: keyof typeof ORDERINGS }>;
export type Way = keyof typeof WAYS;
export const ALL_WAYS = Object.keys(WAYS) as Way[];

/** A search ends without a proof when it has seen so many states: with that the process has half a GB. */
const STATES_MAX = 8_000_000;

export class Check {
  readonly search: Search;
  readonly stage: Stage;
  readonly machine: Machine;

  constructor(scenario: Scenario, way: Way, mutant: Mutant | null = null) {
    const { model } = WAYS[way];
    const ordering = mutant !== null && mutant.fault === null ? 'none' : WAYS[way].ordering;
    this.stage = new Stage(scenario, ORDERINGS[ordering], mutant?.fault ?? null);
    const [guest, host] = this.stage.sides;
    this.machine = new Machine([new SideGraph(guest), new SideGraph(host)], model, this.stage.initial);
    this.search = new Search(this.machine, STATES_MAX);
  }

  /** A failure step by step: with as few choices as can be, of whatever kind, if there is one that ends the run. */
  trace(found: Failure): string[] {
    return traceOf(this.machine, this.stage.locations.names, shortest(this.machine, STATES_MAX) ?? found);
  }
}
