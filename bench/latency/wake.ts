/**
 * From a ring until the wait that it ended has returned. The waiter arms its word before it waits; the first ring after
 * that takes the arming, leaving its time. Rings that find nothing armed end no wait of their own and stamp nothing.
 *
 *     side's line: word 0   0 | 1: armed;  bytes 8 to 15   when the ring that took the arming began
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

const ARMED = 0;
const STAMP = 1;

/** A doorbell that leaves its time for a waiter who asked. */
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
    if (Atomics.load(words, ARMED) === 1) {
      this.clock.stampInto(stamps, STAMP);
      Atomics.store(words, ARMED, 0);
    }
    this.inner.ring();
  }

  resetCounters(): void {
    this.inner.resetCounters();
  }
}

/** A waiting end that takes a sample of every n-th wait that a ring ended. */
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
  }

  get spins(): number {
    return this.inner.spins;
  }

  get spinUs(): number {
    return this.inner.spinUs;
  }

  wait(timeoutMs: number): Wake | Promise<Wake> {
    Atomics.store(this.line.words, ARMED, 1);
    const wake = this.inner.wait(timeoutMs);
    if (typeof wake !== 'string') return wake.then((later) => this.woken(later));
    return this.woken(wake);
  }

  stopped(): boolean {
    return this.inner.stopped();
  }

  drain(): void {
    this.inner.drain();
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

  private woken(wake: Wake): Wake {
    const { samples, line, count } = this;
    if (count === samples.capacity) return wake;
    this.clock.stampInto(samples.ends, count);
    const taken = Atomics.exchange(line.words, ARMED, 0) === 0;
    if (wake !== 'rung' || !taken || this.seen++ % this.stride !== 0) return wake;
    samples.begins[count] = line.stamps[STAMP]!;
    this.count = count + 1;
    return wake;
  }
}
