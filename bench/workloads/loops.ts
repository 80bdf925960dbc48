/**
 * The hot loops of both sides. Each runs until it reaches its limit or must wait; waiting itself is the caller's,
 * so that the same loop serves doorbells that block and doorbells that return a promise.
 *
 * Nothing here allocates: the counters are fields, the request and the lists are reused.
 */
import { EMPTY, type GuestQueue } from '../../src/guest/queue.ts';
import type { Doorbell, WaitSet } from '../../src/doorbell/doorbell.ts';
import type { HostQueue, Request } from '../../src/host/queue.ts';
import { NO_HEAD, type Vringh } from '../../src/host/vringh.ts';
import { CheckFailed, type GuestWorkload, type HostWorkload } from './workload.ts';

/** Why a loop returned. */
export const REACHED = 0;
export const MUST_WAIT = 1;
/** A polling loop looked so often in vain that its caller should look at stop word and clock. */
export const IDLE = 2;
export type LoopState = typeof REACHED | typeof MUST_WAIT | typeof IDLE;

/** One side's loop. Transfers are numbered from 0 over warm-up and measured window. */
export interface Loop {
  /** Transfers this side has finished with. */
  readonly done: number;
  /** Times the peer was asked about and wanted no notification. */
  suppressed: number;
  /** Goes on to transfer number `limit`; `drain`: until nothing is outstanding either. */
  advance(limit: number, drain: boolean): LoopState;
  /** After a wait that MUST_WAIT asked for. */
  woken(): void;
  /** True if there is work that a wait would have overlooked. */
  hasWork(): boolean;
}

/** Sends transfers and takes them back, checking each. The token of a transfer is its slot. */
export class GuestLoop implements Loop {
  done = 0;
  suppressed = 0;
  private sent = 0;
  private readonly queue: GuestQueue;
  private readonly workload: GuestWorkload;
  private readonly slotCount: number;
  /** False with a host that does not look at the data (--fast-vringh): then only order and length are checked. */
  private readonly verify: boolean;

  constructor(queue: GuestQueue, workload: GuestWorkload, slotCount: number, verify: boolean) {
    this.queue = queue;
    this.workload = workload;
    this.slotCount = slotCount;
    this.verify = verify;
  }

  advance(limit: number, drain: boolean): LoopState {
    const { queue, workload, slotCount } = this;
    for (;;) {
      for (let token = queue.getBuf(); token !== EMPTY; token = queue.getBuf()) {
        const x = this.done;
        if (token !== x % slotCount) this.refuse(token);
        if (!(this.verify ? workload.verify(x, queue.usedLength) : queue.usedLength === 0)) this.refuse(token);
        this.done = x + 1;
      }
      const x = this.sent;
      if (x === limit) {
        if (!drain || this.done === limit) return REACHED;
      } else if (queue.add(workload.fill(x), x % slotCount)) {
        this.sent = x + 1;
        if (!queue.kick()) this.suppressed++;
        continue;
      }
      if (queue.enableCallsDelayed()) return MUST_WAIT;
    }
  }

  woken(): void {
    this.queue.disableCalls();
  }

  private refuse(token: number): never {
    const x = this.done;
    if (token !== x % this.slotCount) throw new CheckFailed(`transfer ${x}: token`, x % this.slotCount, token);
    if (this.verify) this.workload.explain(x, this.queue.usedLength);
    throw new CheckFailed(`transfer ${x}: used length`, 0, this.queue.usedLength);
  }

  hasWork(): boolean {
    return this.queue.hasUsed();
  }
}

/** Serves requests one by one; calls the guest, if it wants that, only when nothing is left to serve. */
export class HostLoop implements Loop {
  done = 0;
  suppressed = 0;
  private readonly queue: HostQueue;
  private readonly request: Request;
  private readonly workload: HostWorkload;
  private readonly bell: Doorbell;

  constructor(queue: HostQueue, request: Request, workload: HostWorkload, bell: Doorbell) {
    this.queue = queue;
    this.request = request;
    this.workload = workload;
    this.bell = bell;
  }

  advance(limit: number): LoopState {
    const { queue, request, workload } = this;
    for (;;) {
      if (this.done === limit) {
        this.callIfNeeded();
        return REACHED;
      }
      if (queue.next(request)) {
        queue.complete(request, workload.serve(request));
        this.done++;
        continue;
      }
      this.callIfNeeded();
      if (queue.enableKicks()) return MUST_WAIT;
    }
  }

  woken(): void {
    this.queue.disableKicks();
  }

  hasWork(): boolean {
    return this.queue.hasAvailable();
  }

  private callIfNeeded(): void {
    if (this.queue.needsCall()) this.bell.ring();
    else this.suppressed++;
  }
}

/** Looks in vain before a polling loop returns IDLE. */
const POLLS_MAX = 10_000;

/** `--fast-vringh`: spins on the available index, reads no chain, completes each head with length 0. */
export class FastHostLoop implements Loop {
  done = 0;
  suppressed = 0;
  private readonly queue: Vringh;
  private readonly bell: Doorbell;

  constructor(queue: Vringh, bell: Doorbell) {
    this.queue = queue;
    this.bell = bell;
  }

  advance(limit: number): LoopState {
    const queue = this.queue;
    let polls = 0;
    while (this.done !== limit) {
      const head = queue.takeHead();
      if (head !== NO_HEAD) {
        queue.completeHead(head, 0);
        this.done++;
        polls = 0;
        continue;
      }
      this.callIfNeeded();
      if (++polls === POLLS_MAX) return IDLE;
    }
    this.callIfNeeded();
    return REACHED;
  }

  woken(): void {}

  hasWork(): boolean {
    return this.queue.hasAvailable();
  }

  private callIfNeeded(): void {
    if (this.queue.needsCall()) this.bell.ring();
    else this.suppressed++;
  }
}

/** Why a side ended before its last transfer. */
export class Stopped extends Error {
  constructor() {
    super('the run is being stopped');
    this.name = 'Stopped';
  }
}

/** The peer did nothing for the whole bound of a wait. */
export class Stalled extends Error {
  constructor(side: string, timeoutMs: number, done: number, limit: number) {
    super(`${side}: the peer did nothing for ${timeoutMs / 1000} s (transfer ${done} of ${limit})`);
    this.name = 'Stalled';
  }
}

/** After the bound of a wait, how long a ring may still come before it counts as lost, milliseconds. */
const LOST_GRACE_MS = 100;

/** Runs a loop to its limits, waiting when it must; counts what the waits were. */
export class Runner {
  /** Wake-ups taken. */
  pinged = 0;
  /** Wake-ups that found nothing to do. */
  spurious = 0;
  /** Waits that ran out although work was there: nobody rang. */
  lostWakeups = 0;
  /** Times a polling loop looked in vain, in units of its patience. */
  spins = 0;
  private readonly side: string;
  private readonly loop: Loop;
  private readonly waits: WaitSet;
  private readonly timeoutMs: number;

  constructor(side: string, loop: Loop, waits: WaitSet, timeoutMs: number) {
    this.side = side;
    this.loop = loop;
    this.waits = waits;
    this.timeoutMs = timeoutMs;
  }

  resetCounters(): void {
    this.pinged = 0;
    this.spurious = 0;
    this.lostWakeups = 0;
    this.spins = 0;
    this.loop.suppressed = 0;
  }

  /** @throws Stopped, Stalled, and what the loop throws. */
  async run(limit: number, drain: boolean): Promise<void> {
    const { loop } = this;
    let wokenAt = -1;
    let idleAt = -1;
    let idleSince = 0;
    for (;;) {
      const state = loop.advance(limit, drain);
      if (loop.done === wokenAt) this.spurious++;
      wokenAt = -1;
      if (state === REACHED) return;
      if (state === IDLE) {
        if (loop.done !== idleAt) idleSince = performance.now();
        idleAt = loop.done;
        this.checkIdle(limit, idleSince);
        continue;
      }
      const pending = this.waits.wait(this.timeoutMs);
      const wake = typeof pending === 'string' ? pending : await pending;
      if (wake === 'rung') this.pinged++;
      else if (wake === 'stopped') throw new Stopped();
      else await this.timedOut(limit);
      loop.woken();
      wokenAt = loop.done;
    }
  }

  /** Work there, the doorbell not rung, and still not after a grace: a lost wake-up, and the run goes on. */
  private async timedOut(limit: number): Promise<void> {
    if (!this.loop.hasWork()) throw new Stalled(this.side, this.timeoutMs, this.loop.done, limit);
    const wake = await this.waits.wait(LOST_GRACE_MS);
    if (wake === 'stopped') throw new Stopped();
    if (wake === 'rung') this.pinged++;
    else this.lostWakeups++;
  }

  /** A polling loop found nothing for a while: the run may have been stopped, or the peer may have gone. */
  private checkIdle(limit: number, idleSince: number): void {
    this.spins++;
    if (this.waits.stopped()) throw new Stopped();
    if (performance.now() - idleSince > this.timeoutMs)
      throw new Stalled(this.side, this.timeoutMs, this.loop.done, limit);
  }
}
