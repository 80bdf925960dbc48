/**
 * The hot loops of both sides. Each runs until it reaches its limit or must wait; waiting itself is the caller's,
 * so that the same loop serves doorbells that block and doorbells that return a promise.
 *
 * Nothing here allocates: the counters are fields, the request and the lists are reused.
 */
import type { Doorbell } from '../../src/doorbell/doorbell.ts';
import { EMPTY, type GuestQueue } from '../../src/guest/queue.ts';
import type { HeadQueue, HostQueue, Request } from '../../src/host/queue.ts';
import { NO_HEAD } from '../../src/host/split-host-queue.ts';
import { CheckFailed } from '../check-failed.ts';
import type { Pace } from '../latency/pace.ts';
import type { Probe } from '../latency/round-trip.ts';
import type { GuestWorkload, HostWorkload } from './workload.ts';

/** Why a loop returned. */
export const REACHED = 0;
export const MUST_WAIT = 1;
/** A polling loop looked so often in vain that its caller should look at stop word and clock. */
export const IDLE = 2;
/** Must wait for the peer, but not for longer than until the next transfer is due. */
export const WAIT_UNTIL_DUE = 3;
/** Nothing is outstanding and the next transfer is not due yet: `pause`. */
export const NOT_DUE = 4;
export type LoopState = typeof REACHED | typeof MUST_WAIT | typeof IDLE | typeof WAIT_UNTIL_DUE | typeof NOT_DUE;

/** One side's loop. Transfers are numbered from 0 over warm-up and measured window. */
export interface Loop {
  /** Transfers this side has finished with. */
  readonly done: number;
  /** Times the peer was asked about and wanted no notification. */
  suppressed: number;
  /** Goes on to transfer number `limit`; `drain`: until nothing is outstanding either. */
  advance(limit: number, drain: boolean): LoopState;
  /** After a wait that MUST_WAIT or WAIT_UNTIL_DUE asked for. */
  woken(): void;
  /** After WAIT_UNTIL_DUE: how long that is, milliseconds. */
  dueInMs(): number;
  /** After NOT_DUE: sleeps until the next transfer is due, or returns earlier, after a bounded time. */
  pause(): void;
  /** True if there is work that a wait would have overlooked. */
  hasWork(): boolean;
}

/** What a guest loop can be told beyond its workload. */
export interface GuestKnobs {
  /** Adds published and kicked for together. */
  batch: number;
  /** The most transfers in flight. */
  outstanding: number;
  /** Asks for a call only after most of what is outstanding, instead of after the next completion. */
  delayedInterrupt: boolean;
}

/** What a guest loop is made of. */
export interface GuestLoopOptions {
  queue: GuestQueue;
  workload: GuestWorkload;
  slotCount: number;
  /** False with a host that does not look at the data (--fast-vringh): then only order and length are checked. */
  verify: boolean;
  knobs: GuestKnobs;
  probe: Probe;
  pace: Pace;
}

/** Sends transfers and takes them back, checking each. The token of a transfer is its slot. */
export class GuestLoop implements Loop {
  done = 0;
  suppressed = 0;
  private sent = 0;
  /** The slots of the transfers numbered `sent` and `done`. */
  private sendSlot = 0;
  private takeSlot = 0;
  private readonly queue: GuestQueue;
  private readonly workload: GuestWorkload;
  private readonly lastSlot: number;
  private readonly verify: boolean;
  private readonly probe: Probe;
  private readonly pace: Pace;
  private readonly batch: number;
  private readonly outstanding: number;
  private readonly delayed: boolean;
  /** Added but not yet published and kicked for. */
  private unpublished = 0;

  constructor({ queue, workload, slotCount, verify, knobs, probe, pace }: GuestLoopOptions) {
    this.probe = probe;
    this.pace = pace;
    this.queue = queue;
    this.workload = workload;
    this.lastSlot = slotCount - 1;
    this.verify = verify;
    this.batch = knobs.batch;
    this.outstanding = knobs.outstanding;
    this.delayed = knobs.delayedInterrupt;
  }

  advance(limit: number, drain: boolean): LoopState {
    const { queue, workload, lastSlot, probe, pace } = this;
    for (;;) {
      for (let token = queue.getBuf(); token !== EMPTY; token = queue.getBuf()) {
        const x = this.done;
        const slot = this.takeSlot;
        if (token !== slot) this.refuse(token);
        if (!(this.verify ? workload.verify(x, slot, queue.claimedLength) : queue.claimedLength === 0))
          this.refuse(token);
        this.done = x + 1;
        this.takeSlot = slot === lastSlot ? 0 : slot + 1;
        probe.returned(x);
      }
      const x = this.sent;
      let waitFor: LoopState = MUST_WAIT;
      if (x === limit) {
        if (!drain || this.done === limit) return REACHED;
      } else if (x - this.done < this.outstanding) {
        if (!pace.due(x)) waitFor = WAIT_UNTIL_DUE;
        else if (queue.addDeferred(workload.fill(x, this.sendSlot), this.sendSlot)) {
          probe.sent(x);
          this.sent = x + 1;
          this.sendSlot = this.sendSlot === lastSlot ? 0 : this.sendSlot + 1;
          if (++this.unpublished === this.batch) this.flush();
          continue;
        }
      }
      if (this.unpublished !== 0) this.flush();
      if (waitFor === WAIT_UNTIL_DUE && this.done === x) return NOT_DUE;
      if (this.delayed ? queue.enableCallsDelayed() : queue.enableCalls()) return waitFor;
    }
  }

  woken(): void {
    this.queue.disableCalls();
  }

  dueInMs(): number {
    return this.pace.dueInMs(this.sent);
  }

  pause(): void {
    this.pace.pause(this.sent);
  }

  private flush(): void {
    this.unpublished = 0;
    if (!this.queue.publishAndKick()) this.suppressed++;
  }

  private refuse(token: number): never {
    const x = this.done;
    const slot = this.takeSlot;
    if (token !== slot) throw new CheckFailed(`transfer ${x}: token`, slot, token);
    if (this.verify) this.workload.explain(x, slot, this.queue.claimedLength);
    throw new CheckFailed(`transfer ${x}: used length`, 0, this.queue.claimedLength);
  }

  hasWork(): boolean {
    return this.queue.callDue();
  }
}

/** What both host loops share: asking whether the guest wants a call, once for what was completed since. */
abstract class HostSide {
  done = 0;
  suppressed = 0;
  private askedAt = 0;
  private readonly bell: Doorbell;

  constructor(bell: Doorbell) {
    this.bell = bell;
  }

  /** A host serves what comes: nothing is due. */
  dueInMs(): number {
    return Number.POSITIVE_INFINITY;
  }

  pause(): void {}

  protected callIfNeeded(queue: HostQueue): void {
    if (this.done === this.askedAt) return;
    this.askedAt = this.done;
    if (queue.needsCall()) this.bell.ring();
    else this.suppressed++;
  }
}

/** What a host loop is made of. */
export interface HostLoopOptions {
  queue: HostQueue;
  request: Request;
  workload: HostWorkload;
  /** Completions published together; fewer where nothing is left to serve. */
  batch: number;
  bell: Doorbell;
}

/** Serves requests one by one; calls the guest, if it wants that, only when nothing is left to serve. */
export class HostLoop extends HostSide implements Loop {
  private readonly queue: HostQueue;
  private readonly request: Request;
  private readonly workload: HostWorkload;
  private readonly batch: number;
  private unpublished = 0;

  constructor({ queue, request, workload, batch, bell }: HostLoopOptions) {
    super(bell);
    this.queue = queue;
    this.request = request;
    this.workload = workload;
    this.batch = batch;
  }

  advance(limit: number): LoopState {
    const { queue, request, workload } = this;
    for (;;) {
      if (this.done === limit) {
        this.flush();
        return REACHED;
      }
      if (queue.next(request)) {
        if (this.batch === 1) {
          queue.complete(request, workload.serve(request));
        } else {
          queue.completeDeferred(request, workload.serve(request));
          if (++this.unpublished === this.batch) this.publish();
        }
        this.done++;
        continue;
      }
      this.flush();
      if (queue.enableKicks()) return MUST_WAIT;
    }
  }

  private publish(): void {
    this.unpublished = 0;
    this.queue.publish();
  }

  private flush(): void {
    if (this.unpublished !== 0) this.publish();
    this.callIfNeeded(this.queue);
  }

  woken(): void {
    this.queue.disableKicks();
  }

  hasWork(): boolean {
    return this.queue.hasAvailable();
  }
}

/** Looks in vain before a polling loop returns IDLE. */
export const POLLS_MAX = 10_000;

/** `--fast-vringh`: spins on the available index, reads no chain, completes each head with length 0. */
export class FastHostLoop extends HostSide implements Loop {
  private readonly queue: HeadQueue;
  private readonly yieldCpu: (() => number) | null;

  /** @param yieldCpu for a CPU that both sides share, where nothing becomes available while this one spins. */
  constructor(queue: HeadQueue, bell: Doorbell, yieldCpu: (() => number) | null) {
    super(bell);
    this.queue = queue;
    this.yieldCpu = yieldCpu;
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
      this.callIfNeeded(queue);
      if (++polls === POLLS_MAX) return IDLE;
      if (this.yieldCpu !== null) this.yieldCpu();
    }
    this.callIfNeeded(queue);
    return REACHED;
  }

  woken(): void {}

  hasWork(): boolean {
    return this.queue.hasAvailable();
  }
}
