/** What a process holds, before and after sessions: descriptors and mapped files. */

import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate as loopTurn } from 'node:timers/promises';
import { areStrangersClosing } from '../../native/strangers.ts';

/** Nothing that a fuzzed session sends keeps a close waiting for long: its other end is closed, too. */
const CLOSED_WITHIN_MS = 10_000;

interface Standing {
  readonly descriptors: number;
  readonly mapped: number;
}

/** Files that are mapped: what is closed is anonymous until it is collected. */
export const standing = (): Standing => ({
  descriptors: readdirSync('/proc/self/fd').length,
  mapped: readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes('memfd:')).length,
});

/** How it differs from before, once what closes by itself has closed; null: not at all. */
export async function differenceFrom(before: Standing): Promise<string | null> {
  const end = performance.now() + CLOSED_WITHIN_MS;
  while (areStrangersClosing() && performance.now() < end) await loopTurn();
  return difference(before, standing());
}

const difference = (before: Standing, now: Standing): string | null => {
  if (now.descriptors !== before.descriptors) return `${now.descriptors - before.descriptors} descriptors left open`;
  if (now.mapped !== before.mapped) return `${now.mapped - before.mapped} files left mapped`;
  return null;
};
