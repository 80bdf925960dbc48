/** How much machine code the engine has made for the calling thread: what grows while loops are still being compiled. */
import { getHeapCodeStatistics } from 'node:v8';

/** Machine code of the calling thread's JavaScript now, bytes; null where the engine does not tell. Takes a millisecond. */
export function codeBytes(): number | null {
  try {
    return getHeapCodeStatistics().code_and_metadata_size;
  } catch {
    return null;
  }
}

/** What was compiled between two looks, bytes; code that was thrown away meanwhile is not taken off. */
export function compiledBetween(before: number | null, after: number | null): number | null {
  return before === null || after === null ? null : Math.max(0, after - before);
}
