/**
 * Bounds the memory that a Wasm module declares for itself, which no limit of the engine counts: a module that says no
 * maximum, or a larger one, gets the bound, and its `memory.grow` answers -1 beyond. Pure.
 *
 *     module    8 bytes of magic and version, then sections: u8 id | u32 size | content
 *     section 5 u32 count, then limits: u8 flags (1: with a maximum, 2: shared) | u32 minimum | u32 maximum
 *
 * Numbers are LEB128. What is no module is left as it is: the engine says why.
 */

/** Pages of 64 KiB. */
export const WASM_OWN_PAGES_MAX = 4096;

const HEADER_SIZE = 8;
const MEMORY_SECTION = 5;
const HAS_MAXIMUM = 1;
const FLAGS_KNOWN = 3;
const PAGES_MAX = 65536;

interface Limits {
  readonly flags: number;
  readonly minimum: number;
  readonly maximum: number;
}

/** The module with bounded memories. @throws RangeError if those at the start are more than the bound, or not of 32 bits */
export function boundMemories(module: Uint8Array): Uint8Array {
  for (let at = HEADER_SIZE; at < module.length; ) {
    const size = readNumber(module, at + 1);
    if (size === null) return module;
    const end = size.next + size.value;
    if (module[at] === MEMORY_SECTION && end <= module.length) {
      const section = boundSection(module.subarray(size.next, end));
      if (section === null) return module;
      return concat(module.subarray(0, at), [MEMORY_SECTION, ...number(section.length)], section, module.subarray(end));
    }
    at = end;
  }
  return module;
}

function boundSection(content: Uint8Array): number[] | null {
  const memories = readMemories(content);
  if (memories === null) return null;
  const start = memories.reduce((sum, { minimum }) => sum + minimum, 0);
  if (start > WASM_OWN_PAGES_MAX)
    throw new RangeError(`its own memory has ${start} pages, at most ${WASM_OWN_PAGES_MAX} are allowed`);
  let spare = WASM_OWN_PAGES_MAX - start;
  const bounded = memories.flatMap(({ flags, minimum, maximum }) => {
    const bound = Math.min(maximum, minimum + spare);
    spare -= bound - minimum;
    return [flags | HAS_MAXIMUM, ...number(minimum), ...number(bound)];
  });
  return [...number(memories.length), ...bounded];
}

function readMemories(content: Uint8Array): Limits[] | null {
  const count = readNumber(content, 0);
  if (count === null || count.value > content.length) return null;
  const memories: Limits[] = [];
  let at = count.next;
  for (let i = 0; i < count.value; i++) {
    const flags = content[at];
    if (flags === undefined) return null;
    if (flags > FLAGS_KNOWN) throw new RangeError(`its own memory is of a kind that is not bounded (flags ${flags})`);
    const minimum = readNumber(content, at + 1);
    if (minimum === null) return null;
    const maximum =
      (flags & HAS_MAXIMUM) === 0 ? { value: PAGES_MAX, next: minimum.next } : readNumber(content, minimum.next);
    if (maximum === null || maximum.value < minimum.value) return null;
    memories.push({ flags, minimum: minimum.value, maximum: maximum.value });
    at = maximum.next;
  }
  return at === content.length ? memories : null;
}

/** An unsigned number of 32 bits, and where the next byte is. */
function readNumber(bytes: Uint8Array, start: number): { value: number; next: number } | null {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, next: start + i + 1 };
  }
  return null;
}

function number(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  do {
    bytes.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    left >>>= 7;
  } while (left > 0);
  return bytes;
}

function concat(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
