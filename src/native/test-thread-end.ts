/**
 * For tests: a thread that says which it is, and a wait for its end in which the waiting thread takes no message. All
 * that the ended thread has sent is then there at once. In which order the engine gives it out depends on where in its
 * loop the waiting thread stood still: `WAITING_PLACES`. Linux.
 */
import { existsSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { MessageChannel } from 'node:worker_threads';

/** Bound of a wait for a thread, milliseconds. */
const GONE_MS = 60_000;

/** Where a thread says its number. */
export const makeThreadWord = (): SharedArrayBuffer => new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);

/** By the thread itself. */
export function sayThread(word: SharedArrayBuffer): void {
  Atomics.store(new Int32Array(word), 0, Number(basename(readlinkSync('/proc/thread-self'))));
}

/** Blocks this thread until the other one has said its number, and is gone. @throws Error if it stays */
export function standStillUntilGone(word: SharedArrayBuffer): void {
  const said = new Int32Array(word);
  const endMs = performance.now() + GONE_MS;
  const nap = new Int32Array(makeThreadWord());
  for (let thread = 0; thread === 0 || existsSync(`/proc/self/task/${thread}`); thread = Atomics.load(said, 0)) {
    if (performance.now() > endMs) throw new Error(`thread ${thread} is there after ${GONE_MS} ms`);
    Atomics.wait(nap, 0, 0, 1);
  }
}

/** Behind the worker's channels in a round of the loop: the engine then gives out all that is there in one go, the end with it. */
function afterChannels(work: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port2.once('message', () => {
    port1.close();
    work();
  });
  port1.postMessage(null);
}

/** Places in the loop, after the worker was made, where work is done. */
export const WAITING_PLACES: readonly (readonly [what: string, at: (work: () => void) => void])[] = [
  ['what it threw comes first', setImmediate],
  ['its end comes with its last words', afterChannels],
];
