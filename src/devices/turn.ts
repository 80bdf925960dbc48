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

/** After this much time a turn begins no further request or piece, milliseconds. */
export const TURN_MS_MAX = 4;

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

  constructor({ bytesMax = TURN_BYTES_MAX, now = monotonic }: TurnOptions = {}) {
    this.bytesMax = bytesMax;
    this.now = now;
  }

  begin(): void {
    this.requestsLeft = SERVE_MAX;
    this.bytesLeft = this.bytesMax;
    this.endMs = this.now() + TURN_MS_MAX;
  }

  /** Counts bytes that were moved. */
  spend(bytes: number): void {
    this.bytesLeft -= bytes;
  }

  /** Counts one more request, piece or buffer. True: the turn is over. */
  isOverAfterOne(): boolean {
    return --this.requestsLeft <= 0 || this.bytesLeft <= 0 || this.now() >= this.endMs;
  }
}
