/** The guest's loop in TypeScript. Nothing here allocates: the counters are fields, the lists are reused. Guest thread. */
import { EMPTY, type GuestQueue } from '../../../src/guest/queue.ts';
import { CheckFailed } from '../../check-failed.ts';
import type { Pace } from '../../latency/pace.ts';
import type { Probe } from '../../latency/round-trip.ts';
import {
  type GuestKnobs,
  IDLE,
  type Loop,
  type LoopState,
  MUST_WAIT,
  NOT_DUE,
  REACHED,
  WAIT_UNTIL_DUE,
} from '../loop.ts';
import { Looking, type LookingOptions } from './looking.ts';
import type { GuestWorkload } from './workload.ts';

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
  /** How it looks on before it asks for a call. */
  looking: LookingOptions;
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
  private readonly looking: Looking;
  private readonly batch: number;
  private readonly outstanding: number;
  private readonly delayed: boolean;
  /** Added but not yet published and kicked for. */
  private unpublished = 0;

  constructor({ queue, workload, slotCount, verify, knobs, probe, pace, looking }: GuestLoopOptions) {
    this.looking = new Looking(looking);
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

  get looks(): number {
    return this.looking.inVain;
  }

  get lookUs(): number {
    return this.looking.us;
  }

  restart(first: number): void {
    this.suppressed = 0;
    this.looking.restart();
    this.probe.restart(first);
  }

  advance(limit: number, drain: boolean): LoopState {
    const { queue, workload, lastSlot, probe, pace, looking } = this;
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
      if (looking.at(queue, x - this.done, waitFor === WAIT_UNTIL_DUE ? pace : null, x) > 0) continue;
      if (looking.polls) return IDLE;
      if (this.delayed ? queue.enableCallsDelayed() : queue.enableCalls()) {
        if (waitFor === MUST_WAIT) looking.beginWait();
        return waitFor;
      }
      queue.disableCalls();
    }
  }

  woken(): void {
    this.looking.endWait();
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
    if (this.looking.polls) this.queue.publish();
    else if (!this.queue.publishAndKick()) this.suppressed++;
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
