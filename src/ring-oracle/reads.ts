/**
 * What one end of a ring read during one call, word by word in its order, and how an oracle is given exactly that:
 * so both decide from the same snapshot whatever the peer changed meanwhile, and a word fetched once too often, or
 * decided without, is a disagreement by itself. Slow and plain; knows nothing of either end.
 *
 * The consistent snapshot, precisely: a descriptor is looked at as often as the chain comes by it, and at each such
 * visit each of its words may be fetched once; a table that was copied byte by byte is looked at in that copy; every
 * other word (an index, an available entry, a used element, a wish) is fetched once for each time it is asked about.
 */

/** One read or write: bytes by their place in the fuzzed memory, whatever region they belong to. */
export interface Access {
  readonly at: number;
  readonly width: number;
  readonly value: number;
}

/** The end under test and the oracle differ. */
export class Disagreement extends Error {}

/** The fields of a descriptor; undefined: never fetched. */
export interface Visit {
  readonly flags: number;
  readonly next: number;
  readonly length: number | undefined;
  readonly address: bigint | undefined;
}

const DESCRIPTOR_BYTES = 16;

const hex = (at: number) => `0x${at.toString(16)}`;

export const describeAccess = ({ at, width, value }: Access): string => `${width} bytes at ${hex(at)} = ${hex(value)}`;

/** The reads of a call, asked for one after the other. */
export interface Reads {
  /** The value of the next read, which must be this one. @throws Disagreement */
  take(at: number, width: number): number;
  /** True if the next read is of this byte alone: then a table is being copied. */
  isCopyOf(at: number): boolean;
  /** The descriptor at a place: of its words those fetched now, each once. */
  visit(at: number): Visit;
  /** Nothing may be left. @throws Disagreement */
  end(): void;
}

/** Of an end that is watched. */
export class LoggedReads implements Reads {
  private readonly log: readonly Access[];
  private position = 0;

  constructor(log: readonly Access[]) {
    this.log = log;
  }

  take(at: number, width: number): number {
    const read = this.log[this.position];
    if (read === undefined) throw new Disagreement(`decided without reading ${width} bytes at ${hex(at)}`);
    if (read.at !== at || read.width !== width)
      throw new Disagreement(`read ${describeAccess(read)} where ${width} bytes at ${hex(at)} count`);
    this.position++;
    return read.value;
  }

  isCopyOf(at: number): boolean {
    const read = this.log[this.position];
    return read !== undefined && read.width === 1 && read.at === at;
  }

  visit(at: number): Visit {
    const words: (number | undefined)[] = [undefined, undefined, undefined, undefined];
    for (;;) {
      const read = this.log[this.position];
      if (read === undefined || read.at < at || read.at >= at + DESCRIPTOR_BYTES) break;
      const word = (read.at - at) / 4;
      if (read.width !== 4 || words[word] !== undefined) break;
      words[word] = read.value;
      this.position++;
    }
    return visitOf(words, at);
  }

  end(): void {
    const read = this.log[this.position];
    if (read !== undefined) throw new Disagreement(`read once too often: ${describeAccess(read)}`);
  }
}

/** Of an end that cannot be watched, while its peer leaves memory alone: what stood there before the call. */
export class MemoryReads implements Reads {
  private readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  take(at: number, width: number): number {
    return this.bytes.readUIntLE(at, width);
  }

  isCopyOf(): boolean {
    return true;
  }

  visit(at: number): Visit {
    return visitOf(
      [0, 4, 8, 12].map((word) => this.take(at + word, 4)),
      at,
    );
  }

  end(): void {}
}

/** A descriptor's fields out of its four words. @throws Disagreement without the one that holds its flags */
export function visitOf(words: readonly (number | undefined)[], at: number): Visit {
  const [low, high, length, flagsNext] = words;
  if (flagsNext === undefined) throw new Disagreement(`decided without the flags of the descriptor at ${hex(at)}`);
  return {
    flags: flagsNext % 0x10000,
    next: Math.floor(flagsNext / 0x10000),
    length,
    address: low === undefined || high === undefined ? undefined : BigInt(high) * 0x1_0000_0000n + BigInt(low),
  };
}
