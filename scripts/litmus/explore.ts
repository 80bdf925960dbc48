/**
 * Searches all states of a machine, depth first, each once: what follows on a state does not depend on how it was
 * reached, so to have gone on from each of them is to have gone all ways. A failure that it finds may be far from the
 * start; `shortest` then searches in breadth, for the failure with the fewest steps.
 */
import { CHOICES, type Machine, STATE_WORDS } from './machine.ts';
import { StateTable } from './state-table.ts';

export interface Failure {
  readonly why: string;
  /** The choices from the start to it. */
  readonly choices: readonly number[];
}

export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  /** Different ways from the start to the end, steps that concern nobody else not counted. */
  readonly interleavings: number;
  /** Steps of the longest way. */
  readonly depth: number;
  /** False: it was ended by a failure or by the bound of states. */
  readonly complete: boolean;
  readonly failure: Failure | null;
}

/** Nobody can go on. Null: all is as it must be. */
function stuck(machine: Machine, state: Int32Array): string | null {
  const waiting = [0, 1].filter((side) => !machine.done(state, side));
  if (waiting.length === 0) return null;
  const names = waiting.map((side) => machine.graphs[side]!.side.name);
  return `${names.join(' and ')} ${waiting.length === 1 ? 'waits' : 'wait'} for ever`;
}

/** A search that goes on in slices, so that its thread can do other things between them. */
export class Search {
  transitions = 0;
  private readonly machine: Machine;
  private readonly statesMax: number;
  private readonly table = new StateTable();
  /** By state: 1 while it is on the way to where the search is. */
  private onWay = new Uint8Array(1 << 12);
  /** By state: ways from it to the end. */
  private ways = new Float64Array(1 << 12);
  private readonly state = new Int32Array(STATE_WORDS);
  /** The way: states, choices not taken yet, the choice that was taken last. */
  private readonly way: number[] = [];
  private readonly left: number[] = [];
  private readonly taken: number[] = [];
  private depth = 0;
  private failure: Failure | null = null;
  private started = false;
  private full = false;

  constructor(machine: Machine, statesMax: number) {
    this.machine = machine;
    this.statesMax = statesMax;
  }

  get states(): number {
    return this.table.size;
  }

  /** Goes on for so many transitions at most. True: there is nothing left to search. */
  advance(transitions: number): boolean {
    const { machine, state, way, left, taken } = this;
    if (!this.started) {
      this.started = true;
      machine.start(state);
      this.enter(this.table.add(state));
    }
    for (let i = 0; i < transitions; i++) {
      if (this.failure !== null || this.full || way.length === 0) return true;
      const top = way.length - 1;
      const from = way[top]!;
      const choices = left[top]!;
      if (choices === 0) {
        this.onWay[from] = 0;
        way.pop();
        left.pop();
        taken.pop();
        if (top > 0) this.ways[way[top - 1]!]! += this.ways[from]!;
        continue;
      }
      const choice = 31 - Math.clz32(choices & -choices);
      left[top] = choices & ~(1 << choice);
      taken[top] = choice;
      this.table.read(from, state);
      machine.take(state, choice);
      this.transitions++;
      const before = this.table.size;
      const to = this.table.add(state);
      if (to === before) this.enter(to);
      else if (this.onWay[to] !== 0) this.fail('a run that never ends');
      else this.ways[from]! += this.ways[to]!;
    }
    return this.failure !== null || this.full || way.length === 0;
  }

  result(): Exploration {
    const { failure, table, transitions, depth } = this;
    const complete = this.started && !this.full && failure === null && this.way.length === 0;
    return { states: table.size, transitions, interleavings: this.ways[0]!, depth, complete, failure };
  }

  private enter(number: number): void {
    const { machine, state } = this;
    if (number === this.ways.length) {
      const onWay = new Uint8Array(2 * number);
      onWay.set(this.onWay);
      this.onWay = onWay;
      const ways = new Float64Array(2 * number);
      ways.set(this.ways);
      this.ways = ways;
    }
    if (this.table.size >= this.statesMax) this.full = true;
    const why = machine.failure(state);
    const choices = why === null ? machine.choices(state) : 0;
    const stop = why ?? (choices === 0 ? stuck(machine, state) : null);
    if (choices === 0) this.ways[number] = 1;
    this.onWay[number] = 1;
    if (stop !== null) this.fail(stop);
    this.way.push(number);
    this.left.push(choices);
    this.taken.push(-1);
    if (this.way.length > this.depth) this.depth = this.way.length;
  }

  private fail(why: string): void {
    this.failure = { why, choices: [...this.taken] };
  }
}

/** A failure that ends its run, with as few choices as possible; null: none within `statesMax` states. */
export function shortest(machine: Machine, statesMax: number): Failure | null {
  const table = new StateTable();
  const parents: number[] = [-1];
  const choicesTo: number[] = [-1];
  const state = new Int32Array(STATE_WORDS);
  machine.start(state);
  table.add(state);
  for (let number = 0; number < table.size && table.size < statesMax; number++) {
    table.read(number, state);
    const choices = machine.choices(state);
    const why = machine.failure(state) ?? (choices === 0 ? stuck(machine, state) : null);
    if (why !== null) {
      const way: number[] = [];
      for (let at = number; parents[at] !== -1; at = parents[at]!) way.push(choicesTo[at]!);
      return { why, choices: way.reverse() };
    }
    for (let choice = 0; choice < CHOICES; choice++) {
      if ((choices & (1 << choice)) === 0) continue;
      table.read(number, state);
      machine.take(state, choice);
      const before = table.size;
      if (table.add(state) !== before) continue;
      parents.push(number);
      choicesTo.push(choice);
    }
  }
  return null;
}
