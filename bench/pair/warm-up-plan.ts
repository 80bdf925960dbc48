/**
 * How long a warm-up lasts: legs that end and go on as those of the window do, either as many transfers as were asked
 * for, or until the loops are steady. Pure; the guest decides for both sides.
 */
import { UNTIL_STEADY, type WarmUpLength } from '../axes/warm-up.ts';
import { greatest } from '../statistics/sample.ts';
import { partEnd } from './parts.ts';

/** What one leg was. */
export interface Leg {
  transfers: number;
  wallMs: number;
  /** Machine code that was made for either side meanwhile, bytes; null where the engine does not tell. */
  compiledBytes: number | null;
}

export interface WarmUpPlan {
  /** Transfers of the next leg, an even number if it is the plan's own; 0: the window may begin. */
  next(): number;
  add(leg: Leg): void;
  /** The loops were steady when it ended; null: the engine does not tell, or there was too little to see it by. */
  readonly steady: boolean | null;
}

/** Legs into which a number of transfers is cut: each end and each going on is a branch that the window takes, too. */
const FIXED_LEGS = 4;

/** As many transfers as were asked for. */
export class FixedWarmUp implements WarmUpPlan {
  private readonly transfers: number;
  private legs = 0;
  private compiledBytes: number | null = 0;

  constructor(transfers: number) {
    this.transfers = transfers;
  }

  next(): number {
    const end = (leg: number) => partEnd(this.transfers, leg, FIXED_LEGS);
    // Of a few transfers some legs have none.
    while (this.legs < FIXED_LEGS) {
      const leg = end(this.legs + 1) - end(this.legs++);
      if (leg > 0) return leg;
    }
    return 0;
  }

  add({ compiledBytes }: Leg): void {
    this.compiledBytes = compiledBytes;
  }

  get steady(): boolean | null {
    if (this.transfers === 0) return false;
    return this.compiledBytes === null ? null : this.compiledBytes === 0;
  }
}

/** The first leg; the next ones are longer until one takes long enough to have a speed. */
const FIRST_LEG = 64;
const LEG_MS = 50;
/** The last legs compile nothing, and none of them is faster than the fastest before them by a larger factor. */
const STEADY_LEGS = 3;
const RISE_MAX = 1.05;
/** Loops that are not steady by then are measured as they are. */
const BOUND_MS = 3000;
const TRANSFERS_MAX = 100_000_000;

/** Until the loops are steady: nothing is compiled any more, and they get no faster. At most for some seconds. */
export class SteadyWarmUp implements WarmUpPlan {
  private leg = FIRST_LEG;
  private wallMs = 0;
  private transfers = 0;
  /** Of the legs that were long enough: transfers a millisecond. */
  private readonly speeds: number[] = [];
  /** Legs since the last one that compiled. */
  private quietLegs = 0;

  next(): number {
    return this.steady || this.wallMs >= BOUND_MS || this.transfers + this.leg > TRANSFERS_MAX ? 0 : this.leg;
  }

  add({ transfers, wallMs, compiledBytes }: Leg): void {
    this.wallMs += wallMs;
    this.transfers += transfers;
    this.quietLegs = compiledBytes === null || compiledBytes === 0 ? this.quietLegs + 1 : 0;
    if (wallMs >= LEG_MS) this.speeds.push(transfers / wallMs);
    else this.leg *= wallMs < LEG_MS / 4 ? 4 : 2;
  }

  get steady(): boolean {
    const { speeds } = this;
    if (this.quietLegs < STEADY_LEGS || speeds.length < 2 * STEADY_LEGS) return false;
    return greatest(speeds.slice(-STEADY_LEGS)) <= RISE_MAX * greatest(speeds.slice(0, -STEADY_LEGS));
  }
}

export const planOf = (warmup: WarmUpLength): WarmUpPlan =>
  warmup === UNTIL_STEADY ? new SteadyWarmUp() : new FixedWarmUp(warmup);
