/**
 * Faults that tests plant in one side of a pair: the cause of every counter that must be zero and of every way a run
 * can end early. No command line reaches them.
 */
import type { Doorbell } from '../../src/doorbell/doorbell.ts';
import { type Loop, type LoopState, REACHED } from '../loops/loop.ts';
import type { Report } from '../loops/maker.ts';
import { unpinThread } from './pinning.ts';

export interface Fault {
  side: 'guest' | 'host';
  /**
   * throw: an exception; exit: the thread ends; silence: it does nothing for ever; garbage: it allocates until the
   * engine collects; corrupt: a payload byte of the transfer at hand changes; mute: its doorbell rings nobody; pause:
   * it sleeps for PAUSE_MS; move: its thread may run on every CPU. longer, shorter, huge, of a host: the used length of
   * the transfer at hand is one byte more or less than what was written, as 32 bits, or all bits.
   */
  kind:
    | 'throw'
    | 'exit'
    | 'silence'
    | 'garbage'
    | 'corrupt'
    | 'mute'
    | 'pause'
    | 'move'
    | 'longer'
    | 'shorter'
    | 'huge';
  /** The transfer before which it happens, counted from the start of warm-up. */
  transfer: number;
  /** In which pair, from 0; default the first. */
  pair?: number;
}

/** Rings of a mute doorbell that somebody waits for in vain: each costs a whole bound of a wait. */
const MISSED_MAX = 2;

/** Several young generations' worth of 1 KiB arrays, of those that runs with latency reserve, too. */
const GARBAGE_ARRAYS = 200_000;

/** How long a planted pause lasts, milliseconds. */
export const PAUSE_MS = 100;

/** What a fault can change of its pair. */
export interface Tampering {
  /** Changes a payload byte of the transfer at hand. */
  corrupt(): void;
  /** The next completion tells what `told` makes of the bytes written. */
  misreport(told: Report): void;
}

const ACTIONS: Record<Exclude<Fault['kind'], 'mute'>, (tampering: Tampering) => void> = {
  throw: () => {
    throw new Error('planted exception');
  },
  exit: () => process.exit(7),
  silence: () => {
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
  garbage: () => {
    const kept: number[][] = [];
    for (let i = 0; i < GARBAGE_ARRAYS; i++) kept[i & 7] = new Array<number>(128).fill(i);
  },
  corrupt: (tampering) => tampering.corrupt(),
  pause: () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
  },
  move: () => unpinThread(),
  longer: (tampering) => tampering.misreport((writtenBytes) => writtenBytes + 1),
  shorter: (tampering) => tampering.misreport((writtenBytes) => (writtenBytes - 1) >>> 0),
  huge: (tampering) => tampering.misreport(() => 0xffff_ffff),
};

/** A loop that misbehaves once, before a given transfer. */
export class FaultyLoop implements Loop {
  private acted = false;
  private readonly inner: Loop;
  private readonly fault: Fault;
  private readonly tampering: Tampering;

  constructor(inner: Loop, fault: Fault, tampering: Tampering) {
    this.inner = inner;
    this.fault = fault;
    this.tampering = tampering;
  }

  get done(): number {
    return this.inner.done;
  }

  get suppressed(): number {
    return this.inner.suppressed;
  }

  get looks(): number {
    return this.inner.looks;
  }

  get lookUs(): number {
    return this.inner.lookUs;
  }

  restart(first: number): void {
    this.inner.restart(first);
  }

  advance(limit: number, drain: boolean): LoopState {
    const { kind, transfer } = this.fault;
    if (!this.acted && kind !== 'mute' && limit > transfer) {
      const state = this.inner.advance(transfer, false);
      if (state !== REACHED) return state;
      this.acted = true;
      ACTIONS[kind](this.tampering);
    }
    return this.inner.advance(limit, drain);
  }

  woken(): void {
    this.inner.woken();
  }

  dueInMs(): number {
    return this.inner.dueInMs();
  }

  pause(): void {
    this.inner.pause();
  }

  hasWork(): boolean {
    return this.inner.hasWork();
  }
}

/** What stands between a host's loop and its queue: it tells another used length once, when it is asked to. */
export class Misreporter {
  private told: Report | null = null;

  misreport(told: Report): void {
    this.told = told;
  }

  /** The used length to tell of so many bytes written. */
  readonly report: Report = (writtenBytes) => {
    const { told } = this;
    if (told === null) return writtenBytes;
    this.told = null;
    return told(writtenBytes);
  };
}

/** A doorbell whose rings, from a given transfer on, reach nobody, until some were waited for in vain. */
export class MuteDoorbell implements Doorbell {
  private readonly inner: Doorbell;
  private readonly from: number;
  private readonly boundMs: number;
  /** Transfers this side is done with; set once the loop that rings exists. */
  doneSoFar: () => number = () => 0;
  private swallowed = 0;
  private swallowedAtMs = 0;
  private missed = 0;
  /** Swallowed before the counters were reset. */
  private forgotten = 0;

  /** @param boundMs how long a wait for a ring lasts at most. */
  constructor(inner: Doorbell, fault: Fault, boundMs: number) {
    this.inner = inner;
    this.from = fault.transfer;
    this.boundMs = boundMs;
  }

  get rings(): number {
    return this.inner.rings + this.swallowed - this.forgotten;
  }

  get wakeSyscalls(): number {
    return this.inner.wakeSyscalls;
  }

  ring(): void {
    if (this.isMute()) this.swallowed++;
    else this.inner.ring();
  }

  private isMute(): boolean {
    if (this.missed === MISSED_MAX || this.doneSoFar() < this.from) return false;
    const nowMs = performance.now();
    // So long after the last one: that was missed.
    if (this.swallowed > 0 && nowMs - this.swallowedAtMs >= this.boundMs) this.missed++;
    this.swallowedAtMs = nowMs;
    return this.missed < MISSED_MAX;
  }

  resetCounters(): void {
    this.forgotten = this.swallowed;
    this.inner.resetCounters();
  }
}
