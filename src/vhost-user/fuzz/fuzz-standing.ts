/** What a process holds, before and after sessions: descriptors and mapped files. */
import { readdirSync, readFileSync } from 'node:fs';

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

export const difference = (before: Standing, now: Standing): string | null => {
  if (now.descriptors !== before.descriptors) return `${now.descriptors - before.descriptors} descriptors left open`;
  if (now.mapped !== before.mapped) return `${now.mapped - before.mapped} files left mapped`;
  return null;
};
