/** For tests: whether what was opened was closed, and would be in a child. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';

/** Open descriptors of the process. */
export const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

/** Runs `body`, which must leave as many descriptors open as it found. */
export async function leavingNoneOpen(body: () => void | Promise<void>): Promise<void> {
  const before = openDescriptors();
  await body();
  assert.equal(openDescriptors(), before, 'descriptors left open');
}

const CLOEXEC = 0o2000000;

/** Whether a child that is started gets it too. */
export function isInherited(descriptor: number): boolean {
  const [, flags] = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))!;
  return (Number.parseInt(flags!, 8) & CLOEXEC) === 0;
}
