/** When the guest may send: at once, or at a fixed rate from the window's start on, whatever becomes of the answers. */
import { whyUnavailable } from '../../src/native/libc.ts';
import { setTimerSlack } from '../../src/native/timers.ts';
import type { Clock } from './clock.ts';

const NS_PER_SECOND = 1e9;
const NS_PER_MS = 1e6;

/** The longest sleep, so that the caller can look at its stop word. */
const PAUSE_MAX_MS = 50;
/**
 * What a sleep may be too long by: with the kernel's sharpest timers, which only pauses have, and as they come, which
 * is how doorbells are measured.
 */
const SHARP_SLACK_MS = 0.04;
const SLACK_MS = 0.1;
const SHARPEST_NS = 1;
const AS_IT_COMES = 0;
/**
 * What is left of a pause is burnt by looks at a word, with few at the clock between them, which leave something
 * behind: as many as take half of what is left, at a guess of what one takes, and at least so many.
 */
const LOOK_MS = 5e-6;
const LOOKS_MIN = 128;

export interface Pace {
  /** Transfer number `x` may be sent now. */
  due(x: number): boolean;
  /** Until transfer number `x` is due, milliseconds; 0 or less: it is. */
  dueInMs(x: number): number;
  /** Sleeps, and spins at the end, until transfer number `x` is due; or returns earlier, after a bounded time. */
  pause(x: number): void;
  /** Writes when transfer number `x` is due to `stamps[index]`, nanoseconds of the pair's clock. */
  dueInto(x: number, stamps: Float64Array, index: number): void;
  /** The schedule begins: transfer number `first` is due now. Until then everything is due. */
  restart(first: number): void;
  /** From now on everything is due. */
  release(): void;
}

/** As fast as it goes. */
export const UNPACED: Pace = {
  due: () => true,
  dueInMs: () => 0,
  pause() {},
  dueInto() {},
  restart() {},
  release() {},
};

export class FixedRate implements Pace {
  private readonly clock: Clock;
  /** In an array, as a number that is no small integer even if it is whole: the code optimised for these would be thrown away. */
  private readonly intervalNs = new Float64Array(1);
  private readonly now = new Float64Array(1);
  private readonly start = new Float64Array(1);
  private readonly sharp = whyUnavailable() === null;
  private readonly nobody = new Int32Array(new SharedArrayBuffer(4));
  private first = 0;
  /** Transfers below this number are known to be due. */
  private known = Number.POSITIVE_INFINITY;

  /** On the thread that is paced. */
  constructor(clock: Clock, perSecond: number) {
    this.clock = clock;
    this.intervalNs[0] = NS_PER_SECOND / perSecond;
  }

  due(x: number): boolean {
    if (x < this.known) return true;
    this.clock.stampInto(this.now, 0);
    this.known = this.first + Math.floor((this.now[0]! - this.start[0]!) / this.intervalNs[0]!) + 1;
    return x < this.known;
  }

  dueInMs(x: number): number {
    if (x < this.known) return 0;
    this.clock.stampInto(this.now, 0);
    return ((x - this.first) * this.intervalNs[0]! - (this.now[0]! - this.start[0]!)) / NS_PER_MS;
  }

  pause(x: number): void {
    const sleepMs = this.dueInMs(x) - (this.sharp ? SHARP_SLACK_MS : SLACK_MS);
    if (sleepMs > 0) {
      if (this.sharp) setTimerSlack(SHARPEST_NS);
      Atomics.wait(this.nobody, 0, 0, Math.min(sleepMs, PAUSE_MAX_MS));
      if (this.sharp) setTimerSlack(AS_IT_COMES);
    }
    if (sleepMs < PAUSE_MAX_MS) while (!this.due(x)) this.idle(this.dueInMs(x) / 2);
  }

  dueInto(x: number, stamps: Float64Array, index: number): void {
    stamps[index] = this.start[0]! + (x - this.first) * this.intervalNs[0]!;
  }

  restart(first: number): void {
    this.first = first;
    this.known = first;
    this.clock.stampInto(this.start, 0);
  }

  release(): void {
    this.known = Number.POSITIVE_INFINITY;
  }

  private idle(ms: number): void {
    for (let looks = Math.max(LOOKS_MIN, ms / LOOK_MS); looks > 0; looks--) Atomics.load(this.nobody, 0);
  }
}
