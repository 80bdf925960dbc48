/** The launcher's queue with a clock: how long each request was the device's. Serving thread. */
import type { Request } from '../host/queue.ts';
import { LguestQueue, type LguestQueueOptions } from './queue.ts';

/** Four buckets an octave, from 1 µs on: enough to tell a summary within a fifth. */
const PER_OCTAVE = 4;
const BUCKETS = 128;

export interface LatencySummary {
  readonly count: number;
  readonly meanUs: number;
  readonly medianUs: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

export class Latencies {
  private readonly buckets = new Float64Array(BUCKETS);
  private count = 0;
  private sumUs = 0;
  private maxUs = 0;

  add(us: number): void {
    this.count++;
    this.sumUs += us;
    if (us > this.maxUs) this.maxUs = us;
    const bucket = us <= 1 ? 0 : Math.min(BUCKETS - 1, Math.ceil(PER_OCTAVE * Math.log2(us)));
    this.buckets[bucket] = this.buckets[bucket]! + 1;
  }

  /** Null: there was none. Quantiles are the upper ends of their buckets. */
  summary(): LatencySummary | null {
    const { count, sumUs, maxUs } = this;
    if (count === 0) return null;
    return { count, meanUs: sumUs / count, medianUs: this.quantileUs(0.5), p99Us: this.quantileUs(0.99), maxUs };
  }

  private quantileUs(share: number): number {
    let left = share * this.count;
    for (let i = 0; i < BUCKETS; i++) {
      left -= this.buckets[i]!;
      if (left <= 0) return Math.min(this.maxUs, 2 ** (i / PER_OCTAVE));
    }
    return this.maxUs;
  }
}

export class TimedQueue extends LguestQueue {
  /** When the request of a head was taken, milliseconds. */
  private readonly takenMs: Float64Array;
  private readonly latencies: Latencies;

  constructor(options: LguestQueueOptions, latencies: Latencies) {
    super(options);
    this.takenMs = new Float64Array(this.size);
    this.latencies = latencies;
  }

  override next(request: Request): boolean {
    if (!super.next(request)) return false;
    this.takenMs[request.head] = performance.now();
    return true;
  }

  override complete(request: Request, writtenBytes: number): void {
    super.complete(request, writtenBytes);
    this.latencies.add(1000 * (performance.now() - this.takenMs[request.head]!));
  }
}
