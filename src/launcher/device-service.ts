/**
 * A device of the launcher in service, on the event loop of whatever thread runs this: the console on the launcher's
 * own, the others each on one of theirs. Kicks are waited for without polling; completions raise interrupt lines.
 *
 * It knows no device's requests. A guest that breaks a rule breaks its queue; that is told once, and the device serves
 * no more: to end the guest is the launcher's.
 */
import type { Device, QueueService } from '../devices/device.ts';
import type { Doorbell, WaitSet } from '../doorbell/doorbell.ts';
import { DOORBELLS, type DoorbellName } from '../doorbell/index.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { MemoryRegion } from '../memory/region.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { RingError } from '../ring/errors.ts';
import { NO_FEATURES } from '../ring/features.ts';
import { legacyLayout, SplitRing } from '../ring/split-layout.ts';
import type { DevicePlan, QueuePlan } from './device-plan.ts';
import { InterruptLine } from './interrupts.ts';
import { LguestQueue } from './queue.ts';
import { Latencies, TimedQueue } from './timed-queue.ts';

/** A wait for a kick is begun anew so often: every wait is bounded. */
const KICK_WAIT_MS = 60_000;
/** A device has so long to finish what it holds. */
const REST_TIMEOUT_MS = 10_000;
/** Turns of service at most for what an ended guest left in a ring. */
const LAST_TURNS = 16;

export interface QueueStats {
  /** As people know it: `block 0`. */
  readonly name: string;
  readonly requests: number;
  readonly bytes: number;
  readonly failures: number;
  /** Kicks taken, interrupts raised. */
  readonly kicks: number;
  readonly interrupts: number;
  /** From taken to completed; null where nobody measured. */
  readonly latency: ReturnType<Latencies['summary']> | null;
}

/** Why a device serves no more. */
export interface DeviceFault {
  readonly reason: string;
  /** The guest broke a rule; else the device has failed. */
  readonly byGuest: boolean;
}

/** A device in service, in whatever thread. */
export interface RunningDevice {
  readonly name: string;
  /** Ends service; with `drains`, what the guest has made available is served before. What its queues did. */
  stop(drains: boolean): Promise<readonly QueueStats[]>;
}

export interface DeviceServiceOptions {
  readonly device: Device;
  readonly plan: DevicePlan;
  /** What the device acknowledges for its guest: the device page has no room for a choice. */
  readonly features: bigint;
  /** Requests are timed. */
  readonly timed: boolean;
  /** Service has ended. Once, and never from within the constructor. */
  readonly broken: (fault: DeviceFault) => void;
  /** For people who want to know more: a line. */
  readonly tell?: (line: string) => void;
}

/** One queue in service. */
class ServedQueue {
  kicks = 0;
  readonly name: string;
  readonly service: QueueService;
  readonly line: Doorbell;
  readonly latencies: Latencies | null;
  private readonly waits: WaitSet;
  private readonly plan: QueuePlan;
  private readonly failed: (error: Error) => void;
  private readonly kicked: () => void;
  private asked = false;
  private open = true;

  constructor(options: DeviceServiceOptions, memory: GuestMemory, index: number, failed: (error: Error) => void) {
    const { device, plan, timed, tell } = options;
    const queuePlan = plan.queues[index]!;
    const { size, address, kick, line } = queuePlan;
    this.name = device.queueCount === 1 ? device.name : `${device.name} ${index}`;
    this.plan = queuePlan;
    this.failed = failed;
    this.kicked = tell === undefined ? () => {} : () => tell(`Output to ${device.name}`);
    const ring = SplitRing.within(memory.regions[0]!, address, legacyLayout(size), this.name);
    const queueOptions = { ring, shared: bindRing(seqcst, ring), features: NO_FEATURES, memory, name: this.name };
    this.latencies = timed ? new Latencies() : null;
    const queue =
      this.latencies === null ? new LguestQueue(queueOptions) : new TimedQueue(queueOptions, this.latencies);
    this.line = new InterruptLine(plan.interrupts, line);
    this.service = device.start(index, { queue, memory, call: this.line, wake: this.ask });
    this.waits = DOORBELLS[kick.strategy as DoorbellName].waitSet(kick);
    void this.waitForKicks();
    this.ask();
  }

  /** What is there is served first, if the guest has left in peace. */
  async close(drains: boolean): Promise<void> {
    for (let turns = LAST_TURNS; drains && this.open && turns > 0 && this.serve(); turns--);
    this.open = false;
    DOORBELLS[this.plan.kick.strategy as DoorbellName].stop(this.plan.kick);
    await withinTime(this.service.stop(), this.name);
  }

  /** Serves no more; what is under way may still come to its end. */
  halt(): void {
    this.open = false;
  }

  get stats(): QueueStats {
    const { requests, bytes, failures } = this.service;
    const latency = this.latencies === null ? null : this.latencies.summary();
    return { name: this.name, requests, bytes, failures, kicks: this.kicks, interrupts: this.line.rings, latency };
  }

  private async waitForKicks(): Promise<void> {
    try {
      for (;;) {
        const wake = await this.waits.wait(KICK_WAIT_MS);
        if (wake === 'stopped') break;
        if (wake === 'timed-out') continue;
        this.kicks++;
        this.kicked();
        // A turn that is asked for sees what the kick is about.
        if (!this.asked && this.serve()) this.ask();
      }
    } catch (error) {
      this.failed(error as Error);
    } finally {
      this.waits.close();
    }
  }

  /** Asks for a turn of the event loop in which to serve. */
  private readonly ask = (): void => {
    if (this.asked) return;
    this.asked = true;
    setImmediate(this.takeTurn);
  };

  private readonly takeTurn = (): void => {
    this.asked = false;
    if (this.serve()) this.ask();
  };

  /** True: more is waiting. */
  private serve(): boolean {
    if (!this.open) return false;
    try {
      return this.service.serve();
    } catch (error) {
      this.failed(error as Error);
      return false;
    }
  }
}

export class DeviceService implements RunningDevice {
  private readonly device: Device;
  private readonly queues: ServedQueue[] = [];
  private readonly broken: DeviceServiceOptions['broken'];
  private isBroken = false;

  /** Puts every queue into service. @throws RangeError, RingError for a plan that cannot be */
  constructor(options: DeviceServiceOptions) {
    const { device, plan, features } = options;
    this.device = device;
    this.broken = options.broken;
    const region = new MemoryRegion({ guestBase: 0, buffer: plan.memory, sizeBytes: plan.limitBytes });
    const memory = new GuestMemory([region]);
    device.acknowledge(features);
    for (const index of plan.queues.keys()) this.queues.push(new ServedQueue(options, memory, index, this.fail));
  }

  get name(): string {
    return this.device.name;
  }

  async stop(drains: boolean): Promise<QueueStats[]> {
    try {
      for (const queue of this.queues) await queue.close(drains);
      return this.queues.map(({ stats }) => stats);
    } finally {
      this.device.close();
    }
  }

  private readonly fail = (error: Error): void => {
    if (this.isBroken) return;
    this.isBroken = true;
    for (const queue of this.queues) queue.halt();
    const fault = { reason: error.message, byGuest: error instanceof RingError };
    setImmediate(() => this.broken(fault));
  };
}

/** Waits no longer than a device may take. @throws Error if it takes longer. */
async function withinTime(stopped: void | Promise<void>, name: string): Promise<void> {
  if (stopped === undefined) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`${name} still holds requests after ${REST_TIMEOUT_MS} ms`);
    timer = setTimeout(() => reject(error), REST_TIMEOUT_MS);
  });
  try {
    await Promise.race([stopped, late]);
  } finally {
    clearTimeout(timer);
  }
}
