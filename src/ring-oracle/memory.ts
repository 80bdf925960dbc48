/** Guest memory as an oracle sees it: regions of 64-bit addresses, found by looking at each. */

export interface OracleRegion {
  readonly start: bigint;
  readonly bytes: bigint;
  /** Where its first byte lies in the fuzzed memory. */
  readonly at: number;
}

/** Bytes of the fuzzed memory. */
export interface Piece {
  readonly at: number;
  readonly length: number;
}

export interface Translation {
  readonly pieces: readonly Piece[];
  /** The first address outside of every region, or null. */
  readonly outside: bigint | null;
}

/** Where `length` bytes from `address` on lie, up to the first that lies nowhere. */
export function translate(regions: readonly OracleRegion[], address: bigint, length: number): Translation {
  const pieces: Piece[] = [];
  let from = address;
  const end = address + BigInt(length);
  while (from < end) {
    const region = regions.find(({ start, bytes }) => from >= start && from < start + bytes);
    if (region === undefined) return { pieces, outside: from };
    const regionEnd = region.start + region.bytes;
    const to = end < regionEnd ? end : regionEnd;
    pieces.push({ at: region.at + Number(from - region.start), length: Number(to - from) });
    from = to;
  }
  return { pieces, outside: null };
}

/** The same bytes in as few pieces as can be: how a request is cut means nothing [virtio-v1.2 §2.7.4.1]. */
export function joined(pieces: readonly Piece[]): Piece[] {
  const found: Piece[] = [];
  for (const { at, length } of pieces) {
    const last = found.at(-1);
    if (last !== undefined && last.at + last.length === at)
      found[found.length - 1] = { at: last.at, length: last.length + length };
    else if (length > 0) found.push({ at, length });
  }
  return found;
}
