/**
 * Look before arming: a side that finds nothing looks on with its notifications off, as a busy-polling vhost does, and
 * asks for one only after that. For how long adapts as halt polling does: to what the waits after it took. Either thread.
 */
import { HaltPolling } from '../../src/doorbell/halt-polling.ts';
import { Stopwatch } from '../../src/doorbell/stopwatch.ts';

/** Between two looks: while nothing is there; and while the peer is at it, which each look holds up. Nanoseconds. */
const IDLE_PAUSE_NS = 10;
const BUSY_PAUSE_NS = 100;
/** What a look itself takes, about. */
const LOOK_NS = 5;
/** Operations that are timed to know how many a pause takes. */
const TIMED = 20_000;
/** Turns that the peer gets on a shared CPU. */
const TURNS = 4;

/** As many at once are enough to go on with: more would keep the peer waiting. Completions, and chains. */
export const GUEST_ENOUGH = 64;
export const HOST_ENOUGH = 32;

export class LookOn {
  /** How many times it looks at nothing; 0: it asks for a notification at once. */
  looks = 0;
  /** Operations of the two pauses. */
  idlePause = 1;
  busyPause = 1;
  private readonly maxUs: number;
  private readonly sharesCpu: boolean;
  private readonly bound: HaltPolling;
  private readonly stopwatch = new Stopwatch();

  /** @param maxUs the longest time; on a shared CPU, where the peer gets turns instead, whether at all. */
  constructor(maxUs: number, sharesCpu: boolean) {
    this.maxUs = maxUs;
    this.sharesCpu = sharesCpu;
    this.bound = new HaltPolling(maxUs);
    this.adapt();
  }

  /** Where the time settled, microseconds. */
  get us(): number {
    return this.bound.currentUs;
  }

  /** Times operations of a pause; once the code that pauses is warm they are others. */
  calibrate(pauseFor: (operations: number) => void): void {
    const from = performance.now();
    pauseFor(TIMED);
    const perNs = TIMED / (1e6 * Math.max(performance.now() - from, 1e-3));
    this.idlePause = Math.max(1, Math.round(IDLE_PAUSE_NS * perNs));
    this.busyPause = Math.max(1, Math.round(BUSY_PAUSE_NS * perNs));
  }

  /** Looked in vain, and is going to wait. */
  beginWait(): void {
    if (this.maxUs > 0) this.stopwatch.restart();
  }

  endWait(): void {
    if (this.maxUs === 0) return;
    this.bound.waited(this.stopwatch.elapsedUs());
    this.adapt();
  }

  private adapt(): void {
    const { currentUs } = this.bound;
    const turns = currentUs > 0 ? TURNS : 0;
    this.looks = this.sharesCpu ? turns : Math.round((1000 * currentUs) / (IDLE_PAUSE_NS + LOOK_NS));
  }
}
