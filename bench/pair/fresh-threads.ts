/** Threads that have run nothing yet, so that what the engine learnt of one measurement never slows another. */
import { Piscina } from 'piscina';

/** As many threads as asked for, one task each, with an entry of `workers`. The caller destroys them. Main thread. */
export function freshThreads(entry: 'side' | 'micro', count: number): Piscina {
  return new Piscina({
    filename: new URL(`../../workers/${entry}.js`, import.meta.url).href,
    minThreads: count,
    maxThreads: count,
    concurrentTasksPerWorker: 1,
    atomics: 'disabled',
  });
}
