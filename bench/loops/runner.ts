/**
 * Runs a loop to its limits on either thread: waits when it must, tells a lost wake-up from a stalled peer, and counts
 * what the waits were.
 */
import type { WaitSet } from '../../src/doorbell/doorbell.ts';
import { IDLE, type Loop, NOT_DUE, REACHED, WAIT_UNTIL_DUE } from './loop.ts';

/** Why a side ended before its last transfer. */
export class Stopped extends Error {
  constructor() {
    super('the run is being stopped');
    this.name = 'Stopped';
  }
}

/** The peer did nothing for the whole bound of a wait. */
export class Stalled extends Error {
  constructor(side: string, timeoutMs: number, where = 'outside the measured window') {
    super(`${side}: the peer did nothing for ${timeoutMs / 1000} s (${where})`);
    this.name = 'Stalled';
  }
}

/** After the bound of a wait, how long a ring may still come before it counts as lost, milliseconds. */
const LOST_GRACE_MS = 100;
/** The same without work: longer, because the peer may itself be waiting for a lost ring and about to go on. */
const STALL_GRACE_MS = 500;

/** Runs a loop to its limits, waiting when it must; counts what the waits were. */
export class Runner {
  /** Wake-ups taken. */
  pinged = 0;
  /** Wake-ups that found nothing to do. */
  spurious = 0;
  /** Waits that ran out although work was there: nobody rang. */
  lostWakeups = 0;
  private readonly side: string;
  private readonly loop: Loop;
  private readonly waits: WaitSet;
  private readonly timeoutMs: number;
  /** The number of the window's first transfer, for messages; null in warm-up. */
  private windowFirst: number | null = null;
  /** What was done when the peer was first seen doing nothing, when that was, the last look at it, the grace left. */
  private idleAt = -1;
  private idleSince = 0;
  private lookedAt = 0;
  private graceMs = 0;

  constructor(side: string, loop: Loop, waits: WaitSet, timeoutMs: number) {
    this.side = side;
    this.loop = loop;
    this.waits = waits;
    this.timeoutMs = timeoutMs;
  }

  /** Counts from here on; `windowFirst`: the window begins with the transfer of that number. */
  restart(windowFirst: number | null): void {
    this.windowFirst = windowFirst;
    this.pinged = 0;
    this.spurious = 0;
    this.lostWakeups = 0;
    this.idleAt = -1;
  }

  /** @throws Stopped, Stalled, and what the loop throws. */
  async run(limit: number, drain: boolean): Promise<void> {
    const { loop } = this;
    let wokenAt = -1;
    for (;;) {
      const state = loop.advance(limit, drain);
      if (loop.done === wokenAt) this.spurious++;
      wokenAt = -1;
      if (state === REACHED) return;
      if (state === IDLE) {
        this.checkIdle();
        continue;
      }
      if (state === NOT_DUE) {
        if (this.waits.stopped()) throw new Stopped();
        // Nothing is outstanding: the peer owes nothing.
        this.idleAt = -1;
        loop.pause();
        continue;
      }
      const dueMs = state === WAIT_UNTIL_DUE ? loop.dueInMs() : this.timeoutMs;
      const pending = this.waits.wait(Math.min(Math.max(dueMs, 0), this.timeoutMs));
      const wake = typeof pending === 'string' ? pending : await pending;
      if (wake === 'rung') this.pinged++;
      else if (wake === 'stopped') throw new Stopped();
      else if (dueMs >= this.timeoutMs) await this.timedOut();
      else if (this.isStalled() && !loop.hasWork()) throw this.stalled();
      loop.woken();
      // A wait that the schedule ended need not have found anything.
      wokenAt = wake === 'timed-out' && dueMs < this.timeoutMs ? -1 : loop.done;
    }
  }

  /**
   * Work there, the doorbell not rung, and still not after a grace: a lost wake-up, and the run goes on. No work, and
   * none after a longer grace: the peer stalled. Looked for often: a peer whose ring was lost while this side was
   * already late waits for this side's next step, and must not give up first.
   */
  private async timedOut(): Promise<void> {
    const { loop, waits } = this;
    let overlooked = loop.hasWork();
    for (let graceMs = STALL_GRACE_MS; ; graceMs -= LOST_GRACE_MS) {
      const wake = await waits.wait(LOST_GRACE_MS);
      if (wake === 'stopped') throw new Stopped();
      if (wake === 'rung') {
        this.pinged++;
        return;
      }
      if (overlooked) {
        this.lostWakeups++;
        return;
      }
      overlooked = loop.hasWork();
      if (!overlooked && graceMs <= LOST_GRACE_MS) throw this.stalled();
    }
  }

  /** A polling loop found nothing for a while: the run may have been stopped, or the peer may have gone. */
  private checkIdle(): void {
    if (this.waits.stopped()) throw new Stopped();
    if (this.isStalled()) throw this.stalled();
  }

  /**
   * Nothing was done for the whole bound and a grace, as seen by this method. A look that comes late takes only a part
   * of the grace: what held this side up held up the peer, too.
   */
  private isStalled(): boolean {
    const now = performance.now();
    if (this.loop.done !== this.idleAt) {
      this.idleAt = this.loop.done;
      this.idleSince = now;
      this.graceMs = STALL_GRACE_MS;
    } else if (now - this.idleSince > this.timeoutMs) this.graceMs -= Math.min(now - this.lookedAt, LOST_GRACE_MS);
    this.lookedAt = now;
    return this.graceMs <= 0;
  }

  private stalled(): Stalled {
    const { windowFirst, loop } = this;
    const where = windowFirst === null ? 'in warm-up' : `after ${loop.done - windowFirst} transfers of the window`;
    return new Stalled(this.side, this.timeoutMs, where);
  }
}
