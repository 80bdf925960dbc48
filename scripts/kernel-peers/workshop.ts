/** Builds what the chosen rows need, before anything is measured, and hands it out row by row. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Build, build, programOf, type Target } from './build.ts';
import type { ChildOptions } from './child.ts';
import { type Edit, MENDED, SHIPPED_TRANSFERS, TWO_CPUS, transfersEdit } from './edits.ts';
import { counterHertz, exitCostNs, exitCycles } from './exit-cost.ts';
import type { GroupName, Row } from './rows.ts';
import type { Tree } from './tree.ts';

/** A built program, and what is recorded of it. */
export interface BuiltProgram {
  path: string;
  compiler: string;
  edits: string[];
}

/**
 * What a program is built for: to be compared with ours, with what is mended; the same as shipped; or to be started alone,
 * with one transfer. Ringtest is one program for all three.
 */
export type Purpose = 'compared' | 'shipped' | 'start';

/** Where the programs of rows come from. */
export interface Workshop {
  /** Version of the kernel tree. */
  readonly tree: string;
  /** `shipped` only of rows that are run so. @throws Missing where it could not be built */
  programOf(row: Row, purpose: Purpose): BuiltProgram;
  /** What ringtest makes a notification cost, nanoseconds. @throws Missing, Failure, Interrupted */
  exitCostNs(row: Row): Promise<number>;
}

const purposesOf = ({ shipped }: Row): Purpose[] => ['compared', 'start', ...(shipped ? ['shipped' as const] : [])];

/** What is built for a group of rows. */
function recipeOf(group: GroupName, purpose: Purpose, transfers: number): { target: Target; edits: Edit[] } {
  // Ringtest is told its number on its command line.
  if (group === 'ringtest') return { target: 'ringtest', edits: [] };
  const number = purpose === 'start' ? 1 : transfers;
  const edits = [
    ...(purpose === 'shipped' ? [] : [MENDED]),
    ...(group === 'same' ? [] : [TWO_CPUS]),
    ...(number === SHIPPED_TRANSFERS ? [] : [transfersEdit(number)]),
  ];
  return { target: 'vringh_test', edits };
}

/** @throws Missing without a compiler, Failure where a change does not fit the tree, Interrupted */
export async function openWorkshop(
  tree: Tree,
  rows: readonly Row[],
  transfers: number,
  say: (line: string) => void,
  options: ChildOptions,
): Promise<Workshop> {
  const builds = new Map<string, Build>();
  const keyOf = (group: GroupName, purpose: Purpose) => {
    const { target, edits } = recipeOf(group, purpose, transfers);
    return [target, ...edits.map(({ name }) => name)].join(' ');
  };
  for (const row of rows)
    for (const purpose of purposesOf(row)) {
      const key = keyOf(row.group, purpose);
      if (builds.has(key)) continue;
      const { target, edits } = recipeOf(row.group, purpose, transfers);
      builds.set(key, await build(tree, target, edits, say, options));
    }
  let costNs: number | null = null;
  return {
    tree: tree.version,
    programOf({ group, program }, purpose) {
      const built = builds.get(keyOf(group, purpose))!;
      return { path: programOf(built, program), compiler: built.compiler, edits: built.edits };
    },
    async exitCostNs({ group, program }) {
      const { folder } = builds.get(keyOf(group, 'compared'))!;
      const header = readFileSync(join(folder, dirname(program), 'main.h'), 'utf8');
      costNs ??= exitCostNs(exitCycles(header), await counterHertz(folder, options));
      return costNs;
    },
  };
}
