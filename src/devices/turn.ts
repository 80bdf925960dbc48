/**
 * How long one call of `serve` may go on: bounded in requests, bytes and time, so that everything else on the thread's
 * event loop gets its turn, whatever a guest makes available. On the queue's own thread. It stops nothing by itself:
 * a loop asks it between two requests, and a handler cuts a longer request into pieces.
 */

/** Requests served in one turn, at most. */
export const SERVE_MAX = 256;

/** Bytes moved in one turn; the last request, or piece of one, may go beyond. */
export const TURN_BYTES_MAX = 2 ** 22;

/** Bytes of a request that are moved without asking whether the turn is over: what is longer comes in pieces. */
export const PIECE_BYTES_MAX = 2 ** 20;

/** After this much time a turn begins no further large request or piece, and CLOCK_EVERY small ones at most; milliseconds. */
export const TURN_MS_MAX = 4;

/** Requests per reading of the clock: a reading costs a twentieth of a request of 4 KiB. */
const CLOCK_EVERY = 4;
/** A request that moves this many bytes takes time enough for a reading of its own. */
const LARGE_BYTES = 2 ** 16;

export interface TurnOptions {
  /** Default TURN_BYTES_MAX. */
  readonly bytesMax?: number;
  /** Milliseconds, for tests. Default: the system's monotonic clock. */
  readonly now?: () => number;
}

const monotonic = (): number => performance.now();

export class Turn {
  private readonly bytesMax: number;
  private readonly now: () => number;
  private requestsLeft = 0;
  private bytesLeft = 0;
  private endMs = 0;
  /** The clock is read when one of these is reached. */
  private requestsAtClock = 0;
  private bytesAtClock = 0;

  constructor({ bytesMax = TURN_BYTES_MAX, now = monotonic }: TurnOptions = {}) {
    this.bytesMax = bytesMax;
    this.now = now;
  }

  begin(): void {
    this.requestsLeft = SERVE_MAX;
    this.bytesLeft = this.bytesMax;
    this.endMs = this.now() + TURN_MS_MAX;
    this.requestsAtClock = SERVE_MAX - CLOCK_EVERY;
    this.bytesAtClock = this.bytesMax - LARGE_BYTES;
  }

  /** Counts bytes that were moved. */
  spend(bytes: number): void {
    this.bytesLeft -= bytes;
  }

  /** Counts one more request, piece or buffer. True: the turn is over. */
  isOverAfterOne(): boolean {
    if (--this.requestsLeft <= 0 || this.bytesLeft <= 0) return true;
    if (this.requestsLeft > this.requestsAtClock && this.bytesLeft > this.bytesAtClock) return false;
    this.requestsAtClock = this.requestsLeft - CLOCK_EVERY;
    this.bytesAtClock = this.bytesLeft - LARGE_BYTES;
    return this.now() >= this.endMs;
  }
}
