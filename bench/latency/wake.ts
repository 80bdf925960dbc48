/**
 * From a ring until the wait that it ended has returned. A waiter arms its line when a wait has ended; the first ring
 * after that takes the arming, leaving its time. If it came before the next wait began, that wait will end at once,
 * nobody was woken, and there is no sample; else the time is that of the ring which ends the wait. Later rings stamp
 * nothing. Were the line armed when a wait begins, a ring already there would end it, and one that came in this moment
 * would be taken for its cause.
 *
 *     side's line: word 0   1: armed | 0: taken;  bytes 8 to 15   when the ring that took the arming began
 */
import type { Doorbell, WaitSet, Wake } from '../../src/doorbell/doorbell.ts';
import type { Clock } from './clock.ts';
import { Samples, strideOf } from './samples.ts';

/** One waiter's words and the next one's never share a cache line pair. */
const LINE_BYTES = 128;
const WORDS = 4;

export type WakeLines = SharedArrayBuffer;

/** Lines for the waits of both sides of a pair. */
export const makeWakeLines = (): WakeLines => new SharedArrayBuffer(2 * LINE_BYTES);

/** One waiter's line, seen from either thread. */
class WakeLine {
  readonly words: Int32Array;
  readonly stamps: Float64Array;

  constructor(lines: WakeLines, waiter: 'guest' | 'host') {
    const offset = waiter === 'guest' ? 0 : LINE_BYTES;
    this.words = new Int32Array(lines, offset, WORDS);
    this.stamps = new Float64Array(lines, offset, 2);
  }
}

const STATE = 0;
const TAKEN = 0;
const ARMED = 1;
/** In 64-bit numbers. */
const STAMP = 1;

/** A doorbell that leaves its time for a waiter who asked. A line has one ringer. */
export class StampedDoorbell implements Doorbell {
  private readonly inner: Doorbell;
  private readonly clock: Clock;
  private readonly line: WakeLine;

  constructor(inner: Doorbell, clock: Clock, lines: WakeLines, waiter: 'guest' | 'host') {
    this.inner = inner;
    this.clock = clock;
    this.line = new WakeLine(lines, waiter);
  }

  get rings(): number {
    return this.inner.rings;
  }

  get wakeSyscalls(): number {
    return this.inner.wakeSyscalls;
  }

  ring(): void {
    const { words, stamps } = this.line;
    if (Atomics.load(words, STATE) === ARMED) {
      this.clock.stampInto(stamps, STAMP);
      Atomics.store(words, STATE, TAKEN);
    }
    this.inner.ring();
  }

  resetCounters(): void {
    this.inner.resetCounters();
  }
}

/** A waiting end that takes a sample of every n-th wait that a ring ended. Made before anybody rings. */
export class StampedWaitSet implements WaitSet {
  private readonly inner: WaitSet;
  private readonly clock: Clock;
  private readonly line: WakeLine;
  private readonly stride: number;
  private readonly samples: Samples;
  private seen = 0;
  private count = 0;

  /** @param events the most waits there can be. */
  constructor(inner: WaitSet, clock: Clock, lines: WakeLines, waiter: 'guest' | 'host', events: number) {
    this.inner = inner;
    this.clock = clock;
    this.line = new WakeLine(lines, waiter);
    this.stride = strideOf(1, events);
    this.samples = new Samples(events, this.stride);
    Atomics.store(this.line.words, STATE, ARMED);
  }

  get spins(): number {
    return this.inner.spins;
  }

  get spinUs(): number {
    return this.inner.spinUs;
  }

  wait(timeoutMs: number): Wake | Promise<Wake> {
    const quiet = Atomics.load(this.line.words, STATE) === ARMED;
    const wake = this.inner.wait(timeoutMs);
    if (typeof wake !== 'string') return wake.then((later) => this.woken(later, quiet));
    return this.woken(wake, quiet);
  }

  stopped(): boolean {
    return this.inner.stopped();
  }

  drain(): void {
    this.inner.drain();
    Atomics.store(this.line.words, STATE, ARMED);
  }

  resetCounters(): void {
    this.seen = 0;
    this.count = 0;
    this.inner.resetCounters();
  }

  close(): void {
    this.inner.close();
  }

  encoded(): string | null {
    return this.samples.encoded(this.count);
  }

  /** @param quiet nobody had rung when the wait began. */
  private woken(wake: Wake, quiet: boolean): Wake {
    const { samples, line, count } = this;
    // A ring that has taken the arming, but came too late for this wait, will end the next.
    if (wake !== 'rung' || Atomics.load(line.words, STATE) === ARMED) return wake;
    const begunNs = line.stamps[STAMP]!;
    Atomics.store(line.words, STATE, ARMED);
    if (!quiet || count === samples.capacity || this.seen++ % this.stride !== 0) return wake;
    this.clock.stampInto(samples.ends, count);
    samples.begins[count] = begunNs;
    this.count = count + 1;
    return wake;
  }
}
