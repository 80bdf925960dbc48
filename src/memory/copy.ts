/** Copies between guest memory and private memory. Either thread. */

/** From so many bytes on the engine's own copy is faster, though it costs a temporary view. */
const BULK_COPY_MIN = 256;

/** Copies `length` bytes; short pieces, as most are, without an allocation. */
export function copyBytes(source: Uint8Array, from: number, target: Uint8Array, to: number, length: number): void {
  if (length >= BULK_COPY_MIN) target.set(source.subarray(from, from + length), to);
  else for (let i = 0; i < length; i++) target[to + i] = source[from + i]!;
}
