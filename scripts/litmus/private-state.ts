/**
 * All that a side has to itself, as text: equal texts, equal future. Shared memory is left out, it is in the state of
 * the whole already; so are counters that only reports read.
 */

import { CheckerError } from './side-graph.ts';

/** Written by the classes and their loops, and read by none of them. */
const REPORTED = new Set(['rings', 'wakeSyscalls', 'suppressed', 'spins', 'clampedLengths', 'inVain']);

export class PrivateState {
  private readonly constant: ReadonlyMap<object, string>;

  /** @param constant what never changes, and all that is shared: named by its number instead of read. */
  constructor(constant: readonly object[]) {
    this.constant = new Map(constant.map((object, i) => [object, `@${i}`]));
  }

  textOf(root: object): string {
    const seen = new Map<object, number>();
    const write = (value: unknown): string => {
      if (typeof value !== 'object' || value === null) return String(value);
      const known = this.constant.get(value);
      if (known !== undefined) return known;
      if (isView(value))
        return value.buffer instanceof SharedArrayBuffer
          ? `@${value.byteOffset}`
          : `[${Array.prototype.join.call(value)}]`;
      if (value instanceof Map || value instanceof Set) throw new CheckerError('what a Map or Set holds is not read');
      const before = seen.get(value);
      if (before !== undefined) return `#${before}`;
      seen.set(value, seen.size);
      let text = '{';
      for (const [name, field] of Object.entries(value))
        if (typeof field !== 'function' && !REPORTED.has(name)) text += `${write(field)},`;
      return `${text}}`;
    };
    return write(root);
  }
}

/** Also of the views that stand for others: those are no views to `ArrayBuffer.isView`. */
const isView = (value: object): value is Uint8Array => 'BYTES_PER_ELEMENT' in value;
