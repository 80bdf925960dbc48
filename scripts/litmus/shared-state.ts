/**
 * What both sides share, as small numbers: equal memories have one number, equal store buffers, too, so that a state of
 * the whole is five numbers. What a number stands for never changes.
 */

/** A store: which place, which value. */
export interface Write {
  readonly location: number;
  readonly value: number;
}

/** Numbers of pairs of numbers below this are exact. */
const PAIR_UNIT = 2 ** 26;

/** Numbers for things, from 0: one number for all that have the same key. */
class Numbered<T> {
  /** By number. */
  readonly all: T[] = [];
  private readonly numbers = new Map<string, number>();

  of(key: string, thing: T): number {
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    this.numbers.set(key, this.all.length);
    return this.all.push(thing) - 1;
  }
}

export class Writes {
  private readonly numbered = new Numbered<Write>();

  get all(): readonly Write[] {
    return this.numbered.all;
  }

  of(location: number, value: number): number {
    return this.numbered.of(`${location}:${value}`, { location, value });
  }
}

/** Contents of memory by number; 0 is the one that it was made with. What was never written is 0. */
export class Memories {
  private readonly contents = new Numbered<number[]>();
  private readonly after = new Map<number, number>();
  private readonly writes: Writes;

  constructor(writes: Writes, initial: ReadonlyMap<number, number>) {
    this.writes = writes;
    const content: number[] = [];
    for (const [location, value] of initial) put(content, location, value);
    this.number(content);
  }

  read(memory: number, location: number): number {
    return this.contents.all[memory]![location] ?? 0;
  }

  /** The memory that `write` makes of `memory`. */
  written(memory: number, write: number): number {
    const key = memory * PAIR_UNIT + write;
    const known = this.after.get(key);
    if (known !== undefined) return known;
    const { location, value } = this.writes.all[write]!;
    const content = this.contents.all[memory]!.slice();
    put(content, location, value);
    const after = this.number(content);
    this.after.set(key, after);
    return after;
  }

  private number(content: number[]): number {
    // Zeros at the end may be there or not.
    let length = content.length;
    while (length > 0 && content[length - 1] === 0) length--;
    content.length = length;
    return this.contents.of(content.join(), content);
  }
}

function put(content: number[], location: number, value: number): void {
  while (content.length < location) content.push(0);
  content[location] = value;
}

/** Store buffers by number: first in, first out. 0 is the empty one. */
export class Buffers {
  /** The stores in it, by number of the write, oldest first. */
  private readonly contents = new Numbered<number[]>();
  private readonly appends = new Map<number, number>();
  private readonly rests: number[] = [0];
  private readonly writes: Writes;

  constructor(writes: Writes) {
    this.writes = writes;
    this.number([]);
  }

  append(buffer: number, write: number): number {
    const key = buffer * PAIR_UNIT + write;
    const known = this.appends.get(key);
    if (known !== undefined) return known;
    const after = this.number([...this.contents.all[buffer]!, write]);
    this.appends.set(key, after);
    return after;
  }

  /** The oldest write. */
  oldest(buffer: number): number {
    return this.contents.all[buffer]![0]!;
  }

  /** The buffer without its oldest write. */
  rest(buffer: number): number {
    this.rests[buffer] ??= this.number(this.contents.all[buffer]!.slice(1));
    return this.rests[buffer]!;
  }

  /** What its own side reads of `location`: the youngest write there, or null if there is none. */
  forwarded(buffer: number, location: number): number | null {
    const content = this.contents.all[buffer]!;
    for (let i = content.length - 1; i >= 0; i--) {
      const write = this.writes.all[content[i]!]!;
      if (write.location === location) return write.value;
    }
    return null;
  }

  private number(content: number[]): number {
    return this.contents.of(content.join(), content);
  }
}
