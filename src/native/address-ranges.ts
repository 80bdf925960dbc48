/** How many ranges of addresses this process has mapped: the kernel's bound is 65,530 of them (`vm.max_map_count`). */
import { readFileSync } from 'node:fs';

/**
 * With so many a process that goes on starting threads should end: a thread that cannot map its memory aborts it. koffi
 * leaves three of every thread that called libc.
 */
export const ADDRESS_RANGES_MAX = 50_000;

/** 0 where there is no /proc. */
export function addressRanges(): number {
  try {
    return readFileSync('/proc/self/maps', 'utf8').split('\n').length - 1;
  } catch {
    return 0;
  }
}
