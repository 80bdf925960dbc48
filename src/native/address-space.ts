/** Whether this process may take more addresses, where a limit is set (`ulimit -v`): the engine aborts without them. */
import { readFileSync } from 'node:fs';

/** A thread of the engine reserves 600 to 850 MiB, for its code and heap. */
const THREAD_MIB = 1024;
const MEBI = 2 ** 20;
const PAGE_SIZE = 4096;

/** @throws Error that says, in a line, that there is too little for `count` more threads */
export function needThreads(count: number): void {
  const left = addressesLeft();
  if (left >= count * THREAD_MIB * MEBI) return;
  const wanted = count === 1 ? 'another thread' : `${count} threads`;
  throw new Error(
    `too little memory for ${wanted}: ${count * THREAD_MIB} MiB of addresses are needed, ` +
      `${Math.floor(left / MEBI)} are left of the limit (ulimit -v)`,
  );
}

/** Bytes; Infinity: no limit is known. */
function addressesLeft(): number {
  try {
    const limit = /^Max address space +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    if (limit === undefined) return Number.POSITIVE_INFINITY;
    return Number(limit) - PAGE_SIZE * Number.parseInt(readFileSync('/proc/self/statm', 'utf8'), 10);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
