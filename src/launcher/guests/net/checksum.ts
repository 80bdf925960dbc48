/** The Internet checksum [RFC 1071]: the ones' complement of the ones' complement sum of big-endian 16-bit words. */

/** Adds the words of `length` bytes from `at` on to `sum`; an odd last byte counts as if a zero followed. */
export function addWords(bytes: Uint8Array, at: number, length: number, sum = 0): number {
  const end = at + (length & ~1);
  let total = sum;
  for (let i = at; i < end; i += 2) total += (bytes[i]! << 8) | bytes[i + 1]!;
  return length & 1 ? total + (bytes[end]! << 8) : total;
}

/** The checksum of what was added up. Over data that contains its own right checksum it is 0. */
export function checksumOf(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}
