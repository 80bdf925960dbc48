/**
 * The loop that serves what a queue has available, for every device whose requests are served one by one. On the
 * queue's own thread. What a request means is the handler's; who calls, and when, is the transport's.
 *
 * Each completion is published at once: that is one ordered store beside the work of a request, and a guest that polls
 * sees the answer as soon as it exists. Whether the guest must be called is asked after every 16 requests and when
 * nothing is left. To ask after each would cost a fence, and often a system call, that the next request makes useless;
 * to ask at the end alone would let the guest sleep while a long batch is served, and the two would work in turn.
 *
 * A call of `serve` is bounded by a `Turn`. A request that is longer than one stays in the loop's hand, taken from the
 * ring, until it is done or service ends.
 */
import { Request } from '../host/queue.ts';
import { RingError } from '../ring/errors.ts';
import type { DeviceQueue, QueueService } from './device.ts';
import { Turn, type TurnOptions } from './turn.ts';

/** What `RequestHandler.serve` returns when it cannot go on with the request before the device calls `wake`. */
export const NOT_NOW = -1;
/** What it returns when it keeps the request, which then comes back by `RequestLoop.finish`. */
export const LATER = -2;
/** What it returns when it has done as much of the request as a turn allows. */
export const MORE = -3;

/** So many requests are served before the guest's wish to be called is looked at. */
const CALL_EVERY = 16;

/** What `take` found: no request, one that can be read, or one whose chain cannot. */
const NONE = 0;
const GOOD = 1;
const BROKEN = 2;
type Taken = typeof NONE | typeof GOOD | typeof BROKEN;

/** What a device does with one request. */
export interface RequestHandler {
  /**
   * Serves one request. Returns the bytes written from the first writable element on, or LATER, or, with the request
   * unfinished, NOT_NOW or MORE: the next call has the same request, its lists where this call left them. What it moves
   * it spends from `turn`, and no more in one call than PIECE_BYTES_MAX.
   */
  serve(request: Request, turn: Turn): number;
  /** Nothing is available: `serve` is not called before the guest adds something. */
  starved?(): void;
  /**
   * Service ends: nothing is served from now on, and what was kept comes back soon. A request that is unfinished goes
   * back into the ring, and comes again as a new one when service begins anew.
   */
  stop?(): void;
  readonly failures: number;
  readonly bytes: number;
}

export class RequestLoop implements QueueService {
  requests = 0;
  brokenRequests = 0;
  private readonly target: DeviceQueue;
  private readonly handler: RequestHandler;
  private readonly turn: Turn;
  private request: Request;
  /** `request` is taken and unfinished. */
  private inHand = false;
  /** Those that came back from the handler, to be used again. */
  private readonly spare: Request[] = [];
  /** Requests that the handler keeps. */
  private kept = 0;
  private uncalled = 0;
  private stopping = false;
  private stopped: (() => void) | null = null;

  /** @param limits of one call of `serve` */
  constructor(target: DeviceQueue, handler: RequestHandler, limits: TurnOptions = {}) {
    this.target = target;
    this.handler = handler;
    this.turn = new Turn(limits);
    this.request = new Request(target.memory);
  }

  get failures(): number {
    return this.handler.failures;
  }

  get bytes(): number {
    return this.handler.bytes;
  }

  serve(): boolean {
    if (this.stopping) return false;
    const { turn } = this;
    const { queue } = this.target;
    turn.begin();
    do {
      queue.disableKicks();
      for (let taken = this.inHand ? GOOD : this.take(); taken !== NONE; taken = this.take()) {
        const written = taken === BROKEN ? 0 : this.handler.serve(this.request, turn);
        this.inHand = written === NOT_NOW || written === MORE;
        if (this.inHand) {
          // Kicks stay off: more requests would change nothing.
          this.call();
          return written === MORE;
        }
        if (written === LATER) {
          this.kept++;
          this.request = this.spare.pop() ?? new Request(this.target.memory);
        } else {
          this.complete(written);
        }
        if (turn.isOverAfterOne()) {
          this.call();
          return true;
        }
      }
      this.call();
    } while (!queue.enableKicks());
    this.handler.starved?.();
    return false;
  }

  /** Completes a request that the handler kept. */
  finish(request: Request, written: number): void {
    this.kept--;
    this.spare.push(request);
    try {
      this.target.queue.complete(request, written);
      this.requests++;
      this.call();
    } catch (error) {
      // The ring broke meanwhile: whoever called `serve` knows, and nobody waits for this request.
      if (!(error instanceof RingError)) throw error;
    }
    if (this.kept === 0) this.stopped?.();
  }

  stop(): void | Promise<void> {
    this.stopping = true;
    this.handler.stop?.();
    if (this.inHand) {
      // Nothing was taken after it.
      this.inHand = false;
      this.target.queue.rewind(1);
    }
    if (this.kept > 0)
      return new Promise((resolve) => {
        this.stopped = resolve;
      });
  }

  /** The next request, into `request`. @throws RingError when the ring itself is broken */
  private take(): Taken {
    const { queue } = this.target;
    try {
      return queue.next(this.request) ? GOOD : NONE;
    } catch (error) {
      if (!(error instanceof RingError) || this.request.head >= queue.size) throw error;
      this.brokenRequests++;
      return BROKEN;
    }
  }

  private complete(written: number): void {
    this.target.queue.complete(this.request, written);
    this.requests++;
    if (++this.uncalled === CALL_EVERY) this.call();
  }

  private call(): void {
    this.uncalled = 0;
    if (this.target.queue.needsCall()) this.target.call.ring();
  }
}
