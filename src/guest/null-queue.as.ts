/** `null-queue.ts` of the guest in AssemblyScript: what is added comes back as soon as it is asked for. Guest thread. */

/** By position, 8 bytes: the token, and what it could be answered with. */
const ENTRY_SHIFT: u32 = 3;
const LENGTH: usize = 4;
const NOTHING: i32 = -1;

let entries: usize = 0;
let capacity: u32 = 0;
let added: u32 = 0;
let returned: u32 = 0;

/** The claimed length of what came back last. */
export let nullLength: u32 = 0;

/** @param size a power of two. */
export function setNullQueue(at: usize, size: u32): void {
  entries = at;
  capacity = size;
}

/** False: it is full. */
export function nullAdd(token: i32, writableBytes: u32): bool {
  if (added - returned === capacity) return false;
  const entry = entries + ((added & (capacity - 1)) << ENTRY_SHIFT);
  store<i32>(entry, token);
  store<u32>(entry, writableBytes, LENGTH);
  added++;
  return true;
}

/** The next token, or -1. */
export function nullGetBuf(): i32 {
  if (returned === added) return NOTHING;
  const entry = entries + ((returned & (capacity - 1)) << ENTRY_SHIFT);
  nullLength = load<u32>(entry, LENGTH);
  returned++;
  return load<i32>(entry);
}
