/**
 * The end of worker threads: how it is heard, and how those are ended that do not end by themselves. A thread in a
 * system call that blocks, or in a fault that is not served, runs no JavaScript: `terminate` waits for it for ever, and
 * so does the engine when the process ends. Such a thread is left behind, and the process then ends by the system call,
 * past the engine; without libc by a signal.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { MessagePort, Worker } from 'node:worker_threads';
import { lazyCalls, whyUnavailable } from './libc.ts';
import { muteWatcher } from './watcher.ts';

interface Calls {
  _exit(code: number): void;
}

const calls = lazyCalls<Calls>({ _exit: 'void _exit(int code)' });

/** A thread that is terminated ends within this time, or is left behind. Milliseconds. */
const TERMINATE_TIMEOUT_MS = 2000;

/** A thread that threw has ended within this time, or is told to have thrown while it still ends. Milliseconds. */
const ENDING_TIMEOUT_MS = 5000;

/** More than a turn of an event loop in which nothing happens. Milliseconds. */
const TURN_MS = 20;

/** Ends the process at once: no thread is joined, nothing is flushed, no handler of `exit` runs any more. */
export function exitAtOnce(code: number): void {
  calls()._exit(code);
}

/**
 * In place of the engine's end: other handlers of `exit` would run behind it. Where libc cannot be called, the one way
 * past the engine is a signal, which loses the exit code.
 */
function exitWithoutJoining(code: number): void {
  if (whyUnavailable() === null) exitAtOnce(code);
  process.kill(process.pid, 'SIGKILL');
}

let isLeftBehind = false;

/** The engine would wait for this thread when the process ends: so the process ends without the engine. */
function leaveBehind(worker: Worker): void {
  worker.unref();
  if (isLeftBehind) return;
  isLeftBehind = true;
  process.on('exit', exitWithoutJoining);
}

/**
 * Ends a thread from outside, within a bound. False: it is left behind, blocked in the kernel.
 * `watcher` is where the thread has published its watcher (`publishWatcher`).
 */
export async function terminateThread(worker: Worker, watcher: SharedArrayBuffer): Promise<boolean> {
  muteWatcher(watcher);
  // A thread that is not stuck finishes the turn that it is in.
  await delay(TURN_MS);
  return await terminateUnwatched(worker, TERMINATE_TIMEOUT_MS);
}

/** The same for a thread that has no watcher, within `timeoutMs`. */
export async function terminateUnwatched(worker: Worker, timeoutMs: number): Promise<boolean> {
  if (await within(timeoutMs, worker.terminate())) return true;
  leaveBehind(worker);
  return false;
}

/** What ended a thread: what it threw, or its exit code where it threw nothing. */
export type ThreadDeath = { readonly thrown: unknown } | { readonly code: number };

/**
 * Calls `died` once, when the thread has ended and every message that it sent before has been taken. The event `error`
 * alone would not do: the engine sends it by a channel of its own, and it often comes before a message that the thread
 * sent first. A thread that threw and does not end is not waited for longer than a bound. Resolves at the thread's end.
 */
export function watchEnd(worker: Worker, died: (death: ThreadDeath) => void): Promise<void> {
  let first: ThreadDeath | null = null;
  let timer: NodeJS.Timeout | undefined;
  let isTold = false;
  const tell = (death: ThreadDeath) => {
    clearTimeout(timer);
    if (!isTold) died(death);
    isTold = true;
  };
  // Stays as long as the worker does: an error without a listener would be thrown here.
  worker.on('error', (thrown: unknown) => {
    if (first !== null) return;
    first = { thrown };
    timer = setTimeout(tell, ENDING_TIMEOUT_MS, first);
  });
  return new Promise((resolve) => {
    worker.once('exit', (code) => {
      tell(first ?? { code });
      resolve();
    });
  });
}

/** The death as an error, whatever was thrown. `what` ended, where it threw nothing. */
export function errorOf(death: ThreadDeath, what: string): Error {
  if ('code' in death) return new Error(`${what} ended with code ${death.code}`);
  return death.thrown instanceof Error ? death.thrown : new Error(`it threw ${inspect(death.thrown, { depth: 0 })}`);
}

/** Waits for a promise that does not fail, no longer than `timeoutMs`. False: it was longer. */
export async function within(timeoutMs: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Gives each message of a port to `take` in a turn of its own, not among the loop's callbacks of descriptors: if the
 * thread is terminated in one that never comes back, the engine still makes the callbacks that it has taken already,
 * and the one of the watcher would abort the process.
 */
export function takeMessages<Message>(port: MessagePort, take: (message: Message) => void): void {
  port.on('message', (message: Message) => setImmediate(take, message));
}
