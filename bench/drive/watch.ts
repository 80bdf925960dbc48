/** Looks once a second at whether anything goes on. */

const EVERY_MS = 1000;

export interface Watched {
  /** How many are done; told of as progress. */
  look(): number;
  /** False while there is nobody who could do anything: that is not held against them. */
  connected(): boolean;
  /** Nothing was done for so long, and it is not over: called again each second. */
  idle(idleMs: number): void;
}

/** Returns what ends it. */
export function watch(watched: Watched): () => void {
  let seen = 0;
  let idleMs = 0;
  const timer = setInterval(() => {
    const done = watched.look();
    idleMs = done === seen && watched.connected() ? idleMs + EVERY_MS : 0;
    seen = done;
    if (idleMs > 0) watched.idle(idleMs);
  }, EVERY_MS);
  return () => clearInterval(timer);
}
