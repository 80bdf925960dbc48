/**
 * What every transport does with a `QueueService`: asks for turns of the event loop in which to serve it, and waits for
 * its end. On the queue's own thread.
 */

/** A device has so long to finish what it holds; then the queue is left as it stands. */
const REST_TIMEOUT_MS = 10_000;

/** Turns of the event loop: asked for many times before one comes, it comes once. */
export class Turns {
  /** One is asked for and has not come. */
  isAsked = false;
  private readonly take: () => void;

  constructor(take: () => void) {
    this.take = take;
  }

  readonly ask = (): void => {
    if (this.isAsked) return;
    this.isAsked = true;
    setImmediate(this.come);
  };

  private readonly come = (): void => {
    this.isAsked = false;
    this.take();
  };
}

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
