/**
 * Two sides and what they share, step by step, in one of two memory models.
 *
 *     sc    every access reaches memory at once
 *     tso   a plain store goes to the end of its side's buffer, from which it reaches memory at any later time, in
 *           order; a load takes the youngest store of its own buffer to that place, else memory; every other
 *           operation waits until the buffer is empty
 *
 * A step that touches nothing but its own side's buffer or nothing at all is taken at once, with the step before: it
 * commutes with everything the other side or a buffer can do in the meantime, cannot be disabled and disables nothing,
 * so that each other order leads to the same states (a persistent set of one). These are, with tso, a store into the
 * buffer; with both, a fence that need not wait.
 */
import { NO_ANSWER, NOT_EQUAL, type Operation, SLEEPS, WOKEN } from './operation.ts';
import { Buffers, Memories, Writes } from './shared-state.ts';
import { DONE, type SideGraph } from './side-graph.ts';

export const MODELS = {
  sc: { summary: 'sequentially consistent: every access reaches memory at once' },
  tso: { summary: 'total store order (x86): stores wait in a buffer a side' },
} as const;
export type Model = keyof typeof MODELS;

/** A state: node of the guest, of the host; memory; store buffer of the guest, of the host. All by number. */
export const STATE_WORDS = 5;
const MEMORY = 2;
const BUFFERS = 3;

/** What can happen next, by number: a side goes on, or the oldest store of its buffer reaches memory. */
export const CHOICES = 4;
const isFlush = (choice: number) => choice >= 2;
const sideOf = (choice: number) => choice & 1;

/** Told of each step, for traces; the steps that are taken at once included. */
export type Listener = (side: number, operation: Operation | null, write: number, answer: number) => void;

export class Machine {
  readonly graphs: readonly [SideGraph, SideGraph];
  readonly writes = new Writes();
  readonly memories: Memories;
  listener: Listener | null = null;
  private readonly tso: boolean;
  private readonly buffers = new Buffers(this.writes);

  /** @param initial what memory holds before either side runs, by place. */
  constructor(graphs: readonly [SideGraph, SideGraph], model: Model, initial: ReadonlyMap<number, number>) {
    this.graphs = graphs;
    this.tso = model === 'tso';
    this.memories = new Memories(this.writes, initial);
  }

  start(state: Int32Array): void {
    state.set([this.graphs[0].root, this.graphs[1].root, 0, 0, 0]);
    this.settle(state, 0);
    this.settle(state, 1);
  }

  /** A bit for each choice that there is. None: whoever is not done waits for ever. */
  choices(state: Int32Array): number {
    let bits = 0;
    for (let side = 0; side < 2; side++) {
      const empty = state[BUFFERS + side] === 0;
      const operation = this.operation(state, side);
      if (!empty) bits |= 4 << side;
      if (operation === null || operation.kind === 'asleep') continue;
      if (empty || operation.kind === 'load') bits |= 1 << side;
    }
    return bits;
  }

  /** Makes the state after a choice of `state`, in place. */
  take(state: Int32Array, choice: number): void {
    const side = sideOf(choice);
    if (isFlush(choice)) {
      const buffer = state[BUFFERS + side]!;
      const write = this.buffers.oldest(buffer);
      state[MEMORY] = this.memories.written(state[MEMORY]!, write);
      state[BUFFERS + side] = this.buffers.rest(buffer);
      this.listener?.(side, null, write, NO_ANSWER);
    } else this.step(state, side);
    // The other side may have been woken.
    this.settle(state, side);
    this.settle(state, side ^ 1);
  }

  /** What a side does next; null at its end. */
  operation(state: Int32Array, side: number): Operation | null {
    return this.graphs[side]!.operations[state[side]!]!;
  }

  /** What is wrong with a side that came to its end, or null. */
  failure(state: Int32Array): string | null {
    for (let side = 0; side < 2; side++) {
      const graph = this.graphs[side]!;
      const ending = graph.endings[state[side]!]!;
      if (ending !== null && ending !== DONE) return `${graph.side.name}: ${ending}`;
    }
    return null;
  }

  /** True if a side has come to its end. */
  done(state: Int32Array, side: number): boolean {
    return this.operation(state, side) === null;
  }

  private step(state: Int32Array, side: number): void {
    const graph = this.graphs[side]!;
    const node = state[side]!;
    const operation = graph.operations[node]!;
    const answer = this.perform(state, side, operation);
    state[side] = graph.next(node, answer);
    this.listener?.(side, operation, -1, answer);
  }

  private perform(state: Int32Array, side: number, { kind, location, value, expected }: Operation): number {
    switch (kind) {
      case 'load':
        return this.buffers.forwarded(state[BUFFERS + side]!, location) ?? this.memories.read(state[MEMORY]!, location);
      case 'store':
      case 'store-ordered':
        this.write(state, location, value);
        return NO_ANSWER;
      case 'exchange': {
        const before = this.memories.read(state[MEMORY]!, location);
        this.write(state, location, value);
        return before;
      }
      case 'compare-exchange': {
        const before = this.memories.read(state[MEMORY]!, location);
        if (before === expected) this.write(state, location, value);
        return before;
      }
      case 'wait':
        return this.memories.read(state[MEMORY]!, location) === expected ? SLEEPS : NOT_EQUAL;
      case 'notify':
        return this.wake(state, side ^ 1, location);
      default:
        return NO_ANSWER;
    }
  }

  private write(state: Int32Array, location: number, value: number): void {
    state[MEMORY] = this.memories.written(state[MEMORY]!, this.writes.of(location, value));
  }

  /** How many a notify wakes. */
  private wake(state: Int32Array, sleeper: number, location: number): number {
    const operation = this.operation(state, sleeper);
    if (operation?.kind !== 'asleep' || operation.location !== location) return 0;
    state[sleeper] = this.graphs[sleeper]!.next(state[sleeper]!, WOKEN);
    return 1;
  }

  /** Takes the steps of a side that concern nobody else. */
  private settle(state: Int32Array, side: number): void {
    const graph = this.graphs[side]!;
    for (;;) {
      const node = state[side]!;
      const operation = graph.operations[node]!;
      if (operation === null) return;
      const { kind, location, value } = operation;
      if (kind === 'store' && this.tso)
        state[BUFFERS + side] = this.buffers.append(state[BUFFERS + side]!, this.writes.of(location, value));
      else if (kind !== 'fence' || state[BUFFERS + side] !== 0) return;
      state[side] = graph.next(node, NO_ANSWER);
      this.listener?.(side, operation, -1, NO_ANSWER);
    }
  }
}
