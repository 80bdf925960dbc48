/** Threads that have run nothing yet, so that what the engine learnt of one measurement never slows another. */

import { setFlagsFromString } from 'node:v8';
import { Piscina } from 'piscina';
import { needThreads } from '../../src/native/address-space.ts';
import { errorOf } from '../../src/native/threads.ts';

/**
 * How much the engine puts into one compiled function. As it comes, 920 bytes of bytecode: a loop over one side of a
 * ring is cut into a dozen functions whose calls take a good tenth of its time (bench/PERFORMANCE.md).
 */
const INLINING = ['--max-inlined-bytecode-size=2000', '--max-inlined-bytecode-size-cumulative=10000'];

/** As many threads as asked for, one task each, with an entry of `workers`. The caller destroys them. Main thread. */
export function freshThreads(entry: 'side' | 'micro', count: number): Piscina {
  needThreads(count);
  for (const flag of INLINING) setFlagsFromString(flag);
  const pool = new Piscina({
    filename: new URL(`../../workers/${entry}.js`, import.meta.url).href,
    minThreads: count,
    maxThreads: count,
    concurrentTasksPerWorker: 1,
    atomics: 'disabled',
  });
  // A thread's report is whole when it comes. What the thread throws after it fails no task, and ends no process.
  pool.on('error', (error: unknown) =>
    process.emitWarning(`a thread failed after its report: ${errorOf({ thrown: error }, 'a thread').message}`),
  );
  return pool;
}
