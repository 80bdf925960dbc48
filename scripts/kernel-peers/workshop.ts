/** Builds what the chosen rows need, before anything is measured, and hands it out row by row. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Build, build, programOf, type Target } from './build.ts';
import type { ChildOptions } from './child.ts';
import { type Edit, SHIPPED_TRANSFERS, TWO_CPUS, transfersEdit } from './edits.ts';
import { counterHertz, exitCostNs, exitCycles } from './exit-cost.ts';
import type { GroupName, Row } from './rows.ts';
import type { Tree } from './tree.ts';

/** A built program, and what is recorded of it. */
export interface BuiltProgram {
  path: string;
  compiler: string;
  edits: string[];
}

/** Where the programs of rows come from. */
export interface Workshop {
  /** Version of the kernel tree. */
  readonly tree: string;
  /** @throws Missing where it could not be built */
  programOf(row: Row): BuiltProgram;
  /** What ringtest makes a notification cost, nanoseconds. @throws Missing, Failure, Interrupted */
  exitCostNs(row: Row): Promise<number>;
}

/** What is built for a group of rows. */
function recipeOf(group: GroupName, transfers: number): { target: Target; edits: Edit[] } {
  // Ringtest is told its number on its command line.
  if (group === 'ringtest') return { target: 'ringtest', edits: [] };
  const number = transfers === SHIPPED_TRANSFERS ? [] : [transfersEdit(transfers)];
  return { target: 'vringh_test', edits: group === 'same' ? number : [TWO_CPUS, ...number] };
}

/** @throws Missing without a compiler, Failure where a change does not fit the tree, Interrupted */
export async function openWorkshop(
  tree: Tree,
  rows: readonly Row[],
  transfers: number,
  say: (line: string) => void,
  options: ChildOptions,
): Promise<Workshop> {
  const builds = new Map<GroupName, Build>();
  for (const { group } of rows) {
    if (builds.has(group)) continue;
    const { target, edits } = recipeOf(group, transfers);
    builds.set(group, await build(tree, target, edits, say, options));
  }
  let costNs: number | null = null;
  return {
    tree: tree.version,
    programOf({ group, program }) {
      const built = builds.get(group)!;
      return { path: programOf(built, program), compiler: built.compiler, edits: built.edits };
    },
    async exitCostNs({ group, program }) {
      const { folder } = builds.get(group)!;
      const header = readFileSync(join(folder, dirname(program), 'main.h'), 'utf8');
      costNs ??= exitCostNs(exitCycles(header), await counterHertz(folder, options));
      return costNs;
    },
  };
}
