/** Where several pairs run: `--pairs-in`. Any thread. */

export const PAIRS_IN = {
  thread: { summary: 'all in threads of one process, whose engine they share' },
  process: { summary: 'each in a process of its own' },
} as const;

export type PairsIn = keyof typeof PAIRS_IN;
