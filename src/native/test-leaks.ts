/** For tests: whether what was opened was closed, and would be in a child. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Open descriptors of the process. */
export const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

/** Of a wait for a thread or a descriptor to go. */
const GONE_MS = 60_000;

/** That as many descriptors are open as there were. It is waited for: strangers' are closed by threads of their own. */
export async function noneLeftOpen(before: number): Promise<void> {
  const end = performance.now() + GONE_MS;
  while (openDescriptors() !== before && performance.now() < end) await delay(1);
  assert.equal(openDescriptors(), before, 'descriptors left open');
}

/** Runs `body`, which must leave as many descriptors open as it found. */
export async function leavingNoneOpen(body: () => void | Promise<void>): Promise<void> {
  const before = openDescriptors();
  await body();
  await noneLeftOpen(before);
}

/** Open descriptors of the process, and its threads. */
export const held = (): readonly [descriptors: number, threads: number] => [
  openDescriptors(),
  readdirSync('/proc/self/task').length,
];

/** As much as before, or less. It is waited for: the kernel takes a thread away after it was joined. */
export async function holdingNoMore(before: readonly [number, number]): Promise<void> {
  const isMore = () => held().some((count, i) => count > before[i]!);
  for (const end = performance.now() + GONE_MS; isMore() && performance.now() < end; ) await delay(1);
  assert.ok(!isMore(), `${before} became ${held()}`);
}

const CLOEXEC = 0o2000000;

/** Whether a child that is started gets it too. */
export function isInherited(descriptor: number): boolean {
  const [, flags] = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))!;
  return (Number.parseInt(flags!, 8) & CLOEXEC) === 0;
}
