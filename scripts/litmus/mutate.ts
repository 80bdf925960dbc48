/**
 * Takes one thing out of a side while it runs, or weakens it: in the calls of its queue and its doorbells, or in the
 * operations that these lead to. The classes themselves are left as they are.
 */
import type { Interceptor } from './intercept.ts';
import { NO_ANSWER, type Operation, type Performer } from './operation.ts';
import { CheckerError } from './side-graph.ts';

/** What is changed in the method `in`. Places are named as in traces, up to any bracket: `avail.ring`. */
export type Change =
  /** An operation is left out. */
  | { readonly what: 'drop'; readonly in: string; readonly kind: 'fence' | 'store' | 'notify'; readonly of?: string }
  /** What is loaded or stored is so much more, in 16 bits. */
  | {
      readonly what: 'add';
      readonly in: string;
      readonly kind: 'load' | 'store';
      readonly of: string;
      readonly by: number;
    }
  /** The method does what it does, but answers this. */
  | { readonly what: 'answer'; readonly in: string; readonly value: boolean | number }
  /** The method does nothing. */
  | { readonly what: 'skip'; readonly in: string }
  /** A private field has another value, before the method or after it. */
  | {
      readonly what: 'set';
      readonly in: string;
      readonly when: 'before' | 'after';
      readonly field: string;
      readonly value: number | boolean;
    }
  /** Stores to `of` come only after the next store to `behind`. */
  | { readonly what: 'late'; readonly of: string; readonly behind: string }
  /** An atomic operation becomes a load, and a store of what it would have stored. */
  | { readonly what: 'split'; readonly in: string };

export type SideName = 'guest' | 'host';

/** What is changed in which side. */
export interface Fault {
  readonly side: SideName;
  readonly change: Change;
}

/** As it is, but for the two kinds of store: which of them it is depends on the ordering. */
const kindOf = ({ kind }: Operation) => (kind === 'store-ordered' ? 'store' : kind);

export class Mutator implements Performer {
  /** Stores that come late. */
  readonly held: Operation[] = [];
  private readonly change: Change | null;
  private readonly names: readonly string[];
  private readonly inner: Performer;

  constructor(change: Change | null, names: readonly string[], inner: Performer) {
    this.change = change;
    this.names = names;
    this.inner = inner;
  }

  perform(operation: Operation): number {
    const { change } = this;
    switch (change?.what) {
      case 'drop':
        return this.concerns(change, operation) && kindOf(operation) === change.kind
          ? NO_ANSWER
          : this.inner.perform(operation);
      case 'add':
        if (!this.concerns(change, operation) || kindOf(operation) !== change.kind)
          return this.inner.perform(operation);
        if (change.kind === 'load') return (this.inner.perform(operation) + change.by) & 0xffff;
        return this.inner.perform({ ...operation, value: (operation.value + change.by) & 0xffff });
      case 'late':
        return this.late(change.of, change.behind, operation);
      case 'split':
        return change.in === operation.site ? this.split(operation) : this.inner.perform(operation);
      default:
        return this.inner.perform(operation);
    }
  }

  /** Runs a method, changed if it is the one. */
  call(target: object, name: string, body: () => unknown): unknown {
    const { change } = this;
    if (change === null || change.what === 'late' || change.in !== name) return body();
    if (change.what === 'skip') return undefined;
    if (change.what === 'set' && change.when === 'before') put(target, change.field, change.value);
    const result = body();
    if (change.what === 'set' && change.when === 'after') put(target, change.field, change.value);
    return change.what === 'answer' ? change.value : result;
  }

  private nameOf({ location }: Operation): string {
    return location === -1 ? '' : this.names[location]!.split('[')[0]!;
  }

  private concerns(change: { readonly in: string; readonly of?: string }, operation: Operation): boolean {
    return change.in === operation.site && (change.of === undefined || change.of === this.nameOf(operation));
  }

  private late(of: string, behind: string, operation: Operation): number {
    const name = this.nameOf(operation);
    if (kindOf(operation) === 'store' && name === of) {
      this.held.push(operation);
      return NO_ANSWER;
    }
    const answer = this.inner.perform(operation);
    if (kindOf(operation) === 'store' && name === behind)
      for (const store of this.held.splice(0)) this.inner.perform(store);
    return answer;
  }

  private split(operation: Operation): number {
    const { kind, value, expected } = operation;
    if (kind !== 'exchange' && kind !== 'compare-exchange') return this.inner.perform(operation);
    const before = this.inner.perform({ ...operation, kind: 'load' });
    if (kind === 'exchange' || before === expected) this.inner.perform({ ...operation, kind: 'store', value });
    return before;
  }
}

function put(target: object, field: string, value: number | boolean): void {
  if (!Object.hasOwn(target, field)) throw new CheckerError(`there is no ${field}`);
  (target as Record<string, number | boolean>)[field] = value;
}

/** The methods of a class and those above it. */
function methodsOf(target: object): [string, (...args: unknown[]) => unknown][] {
  const found = new Map<string, (...args: unknown[]) => unknown>();
  for (let at = Object.getPrototypeOf(target); at !== Object.prototype; at = Object.getPrototypeOf(at))
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at)))
      if (typeof value === 'function' && name !== 'constructor' && !found.has(name)) found.set(name, value);
  return [...found];
}

/** Lets every operation tell its method, and every method be changed; `before` is told of calls from outside. */
export function track<T extends object>(
  target: T,
  interceptor: Interceptor,
  mutator: Mutator,
  { before = () => {}, only }: { before?: (name: string) => void; only?: readonly string[] } = {},
): T {
  for (const [name, method] of methodsOf(target)) {
    if (only?.includes(name) === false) continue;
    (target as Record<string, unknown>)[name] = (...args: unknown[]): unknown => {
      const { site } = interceptor;
      if (site === '') before(name);
      interceptor.site = name;
      try {
        return mutator.call(target, name, () => method.apply(target, args));
      } finally {
        interceptor.site = site;
      }
    };
  }
  return target;
}
