/** What this process holds: threads, descriptors, children, handles, files; after each run as little as before. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface Held {
  /** Names of resources that keep the process alive, how often each. */
  readonly resources: ReadonlyMap<string, number>;
  /** The kernel's; 0 where there is no /proc. */
  readonly threads: number;
  readonly descriptors: number;
  readonly children: number;
  /** In the folder for temporary files. */
  readonly files: number;
}

const listed = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

function childrenOf(task: string): number[] {
  try {
    return readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    // That thread is gone.
    return [];
  }
}

/** Processes that this one started, by number. */
export const childrenNow = (): number[] => listed('/proc/self/task').flatMap(childrenOf);

/** @param folder the temporary files of this process and those that it starts. */
export function heldNow(folder: string): Held {
  const resources = new Map<string, number>();
  for (const name of process.getActiveResourcesInfo()) resources.set(name, (resources.get(name) ?? 0) + 1);
  return {
    resources,
    threads: listed('/proc/self/task').length,
    descriptors: listed('/proc/self/fd').length,
    children: childrenNow().length,
    files: listed(folder).length,
  };
}

/** What is left over, by kind. */
function leftOver(before: Held, now: Held): Map<string, number> {
  const more = new Map<string, number>();
  for (const kind of ['threads', 'descriptors', 'children', 'files'] as const)
    if (now[kind] > before[kind]) more.set(kind, now[kind] - before[kind]);
  for (const [name, count] of now.resources) {
    const own = before.resources.get(name) ?? 0;
    if (count > own) more.set(name, count - own);
  }
  return more;
}

/** What ends at its own pace, threads and descriptors of a closed process among them, has so long, milliseconds. */
export const PATIENCE_MS = 30_000;
const LOOK_EVERY_MS = 10;

/** Waits until nothing is left over, or tells what still is. */
export async function settled(before: Held, folder: string, patienceMs: number): Promise<Map<string, number>> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const left = leftOver(before, heldNow(folder));
    if (left.size === 0 || performance.now() > until) return left;
    await delay(LOOK_EVERY_MS);
  }
}
