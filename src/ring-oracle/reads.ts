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

export class Reads {
  private readonly log: readonly Access[];
  private position = 0;

  constructor(log: readonly Access[]) {
    this.log = log;
  }

  /** The value of the next read, which must be this one. */
  take(at: number, width: number): number {
    const read = this.log[this.position];
    if (read === undefined) throw new Disagreement(`decided without reading ${width} bytes at ${hex(at)}`);
    if (read.at !== at || read.width !== width)
      throw new Disagreement(`read ${describeAccess(read)} where ${width} bytes at ${hex(at)} count`);
    this.position++;
    return read.value;
  }

  /** True if the next read is of this byte alone: then a table is being copied. */
  isCopyOf(at: number): boolean {
    const read = this.log[this.position];
    return read !== undefined && read.width === 1 && read.at === at;
  }

  /** The descriptor at a place: of its words those fetched now, each once. */
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

  /** Nothing may be left. */
  end(): void {
    const read = this.log[this.position];
    if (read !== undefined) throw new Disagreement(`read once too often: ${describeAccess(read)}`);
  }
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
