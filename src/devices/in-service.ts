/**
 * What every transport does with a `QueueService`: asks for turns of the event loop in which to serve it, and waits for
 * its end. On the queue's own thread.
 */

/** A device has so long to finish what it holds; then the queue is left as it stands. */
const REST_TIMEOUT_MS = 10_000;

/** So much of one round of the thread's event loop is for turns, milliseconds; the last one may go beyond. */
const ROUND_MS_MAX = 8;

/** The turns that were asked for on this thread, in order, and the list that takes those of the next round. */
let asked: Turns[] = [];
let spare: Turns[] = [];
let isRoundAsked = false;
/** Time that turns took in this round without being asked for. */
let takenAtOnceMs = 0;

function askRound(): void {
  if (isRoundAsked) return;
  isRoundAsked = true;
  setImmediate(round);
}

/** Once in each round of the event loop, while turns are asked for. What finds no time is first in the next round. */
function round(): void {
  const now = asked;
  asked = spare;
  isRoundAsked = false;
  takenAtOnceMs = 0;
  const endMs = performance.now() + ROUND_MS_MAX;
  let count = 0;
  try {
    do now[count++]!.come();
    while (count < now.length && performance.now() < endMs);
  } finally {
    if (count < now.length) {
      asked = [...now.slice(count), ...asked];
      askRound();
    }
    now.length = 0;
    spare = now;
  }
}

/**
 * Turns of the event loop for one queue: asked for many times before one comes, it comes once. All queues of a thread
 * share the time of a round, so that as many as there are leave some of it to everything else.
 */
export class Turns {
  private isAsked = false;
  private readonly take: () => void;

  constructor(take: () => void) {
    this.take = take;
  }

  readonly ask = (): void => {
    if (this.isAsked) return;
    this.isAsked = true;
    asked.push(this);
    askRound();
  };

  /** Takes one at once, unless one is asked for, which sees what this one would; or later, in a round without time. */
  takeNow(): void {
    if (this.isAsked) return;
    if (takenAtOnceMs >= ROUND_MS_MAX) {
      this.ask();
      return;
    }
    const startMs = performance.now();
    this.take();
    takenAtOnceMs += performance.now() - startMs;
  }

  /** For the round alone. */
  come(): void {
    this.isAsked = false;
    this.take();
  }
}

/** The event loop has been round: everything else had its turn. */
export const nextRound = () => new Promise<void>((resolve) => setImmediate(resolve));

/**
 * Waits for the end of a service, as `stop` returned it, no longer than a device may take.
 * @throws Error that names `who` if it takes longer
 */
export async function restOf(stopped: void | Promise<void>, who: string): Promise<void> {
  if (stopped === undefined) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`${who} still holds requests after ${REST_TIMEOUT_MS} ms`);
    timer = setTimeout(() => reject(error), REST_TIMEOUT_MS);
  });
  try {
    await Promise.race([stopped, late]);
  } finally {
    clearTimeout(timer);
  }
}
