/**
 * Round trips: from a transfer's being added until the guest has taken it back, of every n-th. At a fixed rate a
 * transfer's clock starts when it was due, whether or not it could be sent then: latency that a late sender would
 * leave out (coordinated omission) is in the figures.
 */
import type { Clock } from './clock.ts';
import type { Pace } from './pace.ts';
import { Samples } from './samples.ts';

/** What a guest loop tells of its transfers, in order; x is the transfer's number. */
export interface Probe {
  /** Transfer `x` was added; the host may not have been told yet. */
  sent(x: number): void;
  /** Transfer `x` was taken back. */
  returned(x: number): void;
  /** Forgets everything; transfer number `first` is the window's first. */
  restart(first: number): void;
  /** The encoded histogram, or null. */
  encoded(): string | null;
}

/** Nobody asked. */
export const NO_PROBE: Probe = {
  sent() {},
  returned() {},
  restart() {},
  encoded: () => null,
};

/** Stamps every n-th transfer twice. */
export class RoundTripProbe implements Probe {
  protected readonly samples: Samples;
  private readonly clock: Clock;
  private readonly every: number;
  private nextSent = 0;
  private nextReturned = 0;
  private started = 0;
  private ended = 0;

  constructor(clock: Clock, transfers: number, every: number) {
    this.clock = clock;
    this.every = every;
    this.samples = new Samples(transfers, every);
  }

  sent(x: number): void {
    if (x !== this.nextSent) return;
    this.nextSent = x + this.every;
    if (this.started < this.samples.capacity) this.start(x, this.started++);
  }

  returned(x: number): void {
    if (x !== this.nextReturned) return;
    this.nextReturned = x + this.every;
    if (this.ended < this.samples.capacity) this.clock.stampInto(this.samples.ends, this.ended++);
  }

  restart(first: number): void {
    this.nextSent = first;
    this.nextReturned = first;
    this.started = 0;
    this.ended = 0;
  }

  encoded(): string | null {
    return this.samples.encoded(this.ended);
  }

  /** When the transfer's clock starts: now. */
  protected start(_x: number, index: number): void {
    this.clock.stampInto(this.samples.begins, index);
  }
}

/** Starts each sample when the transfer was due. */
export class ScheduledRoundTripProbe extends RoundTripProbe {
  private readonly pace: Pace;

  constructor(clock: Clock, transfers: number, every: number, pace: Pace) {
    super(clock, transfers, every);
    this.pace = pace;
  }

  protected override start(x: number, index: number): void {
    this.pace.dueInto(x, this.samples.begins, index);
  }
}
