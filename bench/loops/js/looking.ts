/** How a loop in TypeScript looks on with its notifications off, before it asks for one or where it never does. */
import { type GiveWay, giveWay } from '../../../src/doorbell/give-way.ts';
import type { Pace } from '../../latency/pace.ts';
import type { LookOn } from '../look-on.ts';
import { Pauses } from './pauses.ts';

/** A side of a queue. */
interface Lookable {
  look(): number;
}

export interface LookingOptions {
  /** For how long; null: it asks for a notification at once. */
  lookOn: Pick<LookOn, 'looks' | 'idlePause' | 'busyPause' | 'us' | 'calibrate' | 'beginWait' | 'endWait'> | null;
  /** As many at once are enough. */
  enough: number;
  sharesCpu: boolean;
  /** It never asks for a notification, and returns after so many looks in vain; 0: it asks. */
  pollsMax: number;
}

export class Looking {
  /** Looks in vain. */
  inVain = 0;
  readonly polls: boolean;
  private readonly pollsMax: number;
  private readonly lookOn: LookingOptions['lookOn'];
  private readonly enough: number;
  private readonly way: GiveWay | null;
  private readonly pauses = new Pauses();

  constructor({ lookOn, enough, sharesCpu, pollsMax }: LookingOptions) {
    this.lookOn = lookOn;
    this.enough = enough;
    this.polls = pollsMax > 0;
    this.pollsMax = pollsMax;
    this.way = sharesCpu ? giveWay() : null;
  }

  get us(): number {
    return this.lookOn?.us ?? 0;
  }

  restart(): void {
    this.inVain = 0;
    this.lookOn?.calibrate(this.pauses.pauseFor);
  }

  /**
   * How many are there; 0: nothing came. It lasts while the peer is at it, until enough are there, `inFlight` at most.
   * @param pace null: nothing is due. Else it ends with 1 as well when transfer number `x` is.
   * @throws RingError
   */
  at(queue: Lookable, inFlight: number, pace: Pace | null, x: number): number {
    const { lookOn, way } = this;
    if (lookOn === null) return 0;
    const wanted = way === null ? Math.min(this.enough, inFlight) : 1;
    let seen = 0;
    for (let looks = this.polls ? this.pollsMax : lookOn.looks; looks > 0; looks--) {
      if (way !== null) way.give();
      else this.pauses.pauseFor(seen === 0 ? lookOn.idlePause : lookOn.busyPause);
      if (pace?.due(x)) return 1;
      const there = queue.look();
      if (there === 0) this.inVain++;
      else if (there >= wanted || there === seen) return there;
      else seen = there;
    }
    return seen;
  }

  beginWait(): void {
    this.lookOn?.beginWait();
  }

  endWait(): void {
    this.lookOn?.endWait();
  }
}
