/** Of what and where records were measured, beside their configuration. What differs in it is not the same measured again. Pure. */
import type { RunRecord } from './record.ts';

interface Trait {
  /** One of it, and several. */
  one: string;
  several: string;
  of: (record: RunRecord) => string | boolean;
}

/** What a program is by its commit; where there is none, by its version. */
export const commitText = ({ environment: { commit, version } }: RunRecord): string => commit ?? `unknown ${version}`;

export const TRAITS = {
  machine: { one: 'machine', several: 'machines', of: ({ environment }) => environment.machine },
  commit: { one: 'commit', several: 'commits', of: commitText },
  changes: {
    one: 'state of a checkout, with or without uncommitted changes',
    several: 'states of a checkout, with and without uncommitted changes',
    of: ({ environment }) => environment.dirty === true,
  },
  label: { one: 'label', several: 'labels', of: ({ label }) => label },
  node: { one: 'version of Node', several: 'versions of Node', of: ({ environment }) => environment.node },
} as const satisfies Record<string, Trait>;
export type TraitName = keyof typeof TRAITS;

/** The traits of which these records have several values, and how many. */
export function severalOf(
  records: readonly RunRecord[],
  among: readonly TraitName[],
): { trait: TraitName; count: number }[] {
  return among
    .map((trait) => ({ trait, count: new Set(records.map((record) => TRAITS[trait].of(record))).size }))
    .filter(({ count }) => count > 1);
}
