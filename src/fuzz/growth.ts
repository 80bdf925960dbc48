/** What memory a process holds, and what of it is too much. For fuzzers. */
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { addressRanges } from '../native/address-ranges.ts';

/** What a heap and its process may have grown by; and how many ranges of addresses. */
const HEAP_GROWTH_MAX = 16 * 2 ** 20;
const RESIDENT_GROWTH_MAX = 96 * 2 ** 20;
const RANGES_GROWTH_MAX = 200;

export interface Memory {
  readonly heap: number;
  readonly resident: number;
  /** Of addresses. */
  readonly ranges: number;
}

let collect: (() => void) | undefined;

/** Memory after a collection, and what was to be given back with it. */
export async function memoryNow(): Promise<Memory> {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  for (let i = 0; i < 3; i++) {
    collect();
    await delay(1);
  }
  const { heapUsed: heap, rss: resident } = process.memoryUsage();
  return { heap, resident, ranges: addressRanges() };
}

export const mega = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;

/** What has grown too much, or null. */
export function growth(before: Memory, now: Memory): string | null {
  if (now.heap > before.heap + HEAP_GROWTH_MAX) return `the heap grew from ${mega(before.heap)} to ${mega(now.heap)}`;
  if (now.resident > before.resident + RESIDENT_GROWTH_MAX)
    return `the process grew from ${mega(before.resident)} to ${mega(now.resident)}`;
  if (now.ranges > before.ranges + RANGES_GROWTH_MAX)
    return `${now.ranges - before.ranges} more ranges of addresses are mapped`;
  return null;
}
