/** The host's loops in TypeScript. Nothing here allocates: the counters are fields, the request is reused. Host thread. */
import type { Doorbell } from '../../../src/doorbell/doorbell.ts';
import type { GiveWay } from '../../../src/doorbell/give-way.ts';
import type { HeadQueue, HostQueue, Request } from '../../../src/host/queue.ts';
import { NO_HEAD } from '../../../src/host/split-host-queue.ts';
import { IDLE, type Loop, type LoopState, MUST_WAIT, POLLS_MAX, REACHED } from '../loop.ts';
import { Looking, type LookingOptions } from './looking.ts';
import type { HostWorkload } from './workload.ts';

/** What both host loops share: asking whether the guest wants a call, once for what was completed since. */
abstract class HostSide {
  done = 0;
  suppressed = 0;
  protected readonly looking: Looking;
  private askedAt = 0;
  private readonly bell: Doorbell;

  constructor(bell: Doorbell, looking: LookingOptions) {
    this.bell = bell;
    this.looking = new Looking(looking);
  }

  get looks(): number {
    return this.looking.inVain;
  }

  get lookUs(): number {
    return this.looking.us;
  }

  restart(): void {
    this.suppressed = 0;
    this.looking.restart();
  }

  /** A host serves what comes: nothing is due. */
  dueInMs(): number {
    return Number.POSITIVE_INFINITY;
  }

  pause(): void {}

  protected callIfNeeded(queue: HostQueue): void {
    if (this.done === this.askedAt || this.looking.polls) return;
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
  /** The most that the guest has in flight. */
  outstanding: number;
  /** How it looks on before it asks for a kick. */
  looking: LookingOptions;
}

/** Serves requests one by one; calls the guest, if it wants that, only when nothing is left to serve. */
export class HostLoop extends HostSide implements Loop {
  private readonly queue: HostQueue;
  private readonly request: Request;
  private readonly workload: HostWorkload;
  private readonly batch: number;
  private readonly outstanding: number;
  private unpublished = 0;

  constructor({ queue, request, workload, batch, bell, outstanding, looking }: HostLoopOptions) {
    super(bell, looking);
    this.outstanding = outstanding;
    this.queue = queue;
    this.request = request;
    this.workload = workload;
    this.batch = batch;
  }

  advance(limit: number): LoopState {
    const { queue, request, workload, looking } = this;
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
      if (looking.at(queue, this.outstanding, null, 0) > 0) continue;
      if (looking.polls) return IDLE;
      if (queue.enableKicks()) {
        looking.beginWait();
        return MUST_WAIT;
      }
      queue.disableKicks();
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
    this.looking.endWait();
    this.queue.disableKicks();
  }

  hasWork(): boolean {
    return this.queue.hasAvailable();
  }
}

/** `--fast-vringh`: spins on the available index, reads no chain, completes each head with length 0. */
export class FastHostLoop extends HostSide implements Loop {
  private readonly queue: HeadQueue;
  private readonly way: GiveWay | null;

  /** @param way for a CPU that both sides share, where nothing becomes available while this one spins. */
  constructor(queue: HeadQueue, bell: Doorbell, looking: LookingOptions, way: GiveWay | null) {
    super(bell, looking);
    this.queue = queue;
    this.way = way;
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
      this.looking.inVain++;
      if (++polls === POLLS_MAX) return IDLE;
      if (this.way !== null) this.way.give();
    }
    this.callIfNeeded(queue);
    return REACHED;
  }

  woken(): void {}

  hasWork(): boolean {
    return this.queue.hasAvailable();
  }
}
