/**
 * A device of the launcher in service, on the event loop of whatever thread runs this: the console on the launcher's
 * own, the others each on one of theirs. Kicks are waited for without polling; completions raise interrupt lines.
 *
 * It knows no device's requests. A guest that breaks a rule breaks its queue; that is told once, and the device serves
 * no more: to end the guest is the launcher's.
 */
import type { Device, QueueService } from '../devices/device.ts';
import { nextRound, restOf, Turns } from '../devices/in-service.ts';
import type { Doorbell, DoorbellHandle } from '../doorbell/doorbell.ts';
import { DOORBELLS, type DoorbellName } from '../doorbell/index.ts';
import { LGUEST_RING_ALIGN, VIRTIO_CONFIG_S_DRIVER_OK } from '../formats/lguest-bus.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { MemoryRegion } from '../memory/region.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { NO_FEATURES } from '../ring/features.ts';
import { legacyLayout, SplitRing } from '../ring/split-layout.ts';
import { badGuestOf } from './bad-guest.ts';
import type { DevicePlan } from './device-plan.ts';
import { type ConfigField, configFields, guestFeatures } from './device-policy.ts';
import { InterruptLine } from './interrupts.ts';
import { LguestQueue } from './queue.ts';
import { requestCheck } from './strict-requests.ts';
import { Latencies, TimedQueue } from './timed-queue.ts';

/** A wait for a kick is begun anew so often: every wait is bounded. */
const KICK_WAIT_MS = 60_000;
/** Longest service of what an ended guest left in a ring, milliseconds. */
const DRAIN_MS_MAX = 2000;

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

const strategyOf = ({ strategy }: DoorbellHandle) => DOORBELLS[strategy as DoorbellName];

/** Why a device serves no more. */
export interface DeviceFault {
  readonly reason: string;
  /** The guest broke a rule; else the device has failed. */
  readonly byGuest: boolean;
}

/** What the bus tells a guest about a device: plain data. */
export interface DeviceDescription {
  readonly id: number;
  readonly name: string;
  readonly queueCount: number;
  /** Feature bits to choose from. */
  readonly offered: bigint;
  readonly fields: readonly ConfigField[];
}

export const describeDevice = (device: Device): DeviceDescription => ({
  id: device.id,
  name: device.name,
  queueCount: device.queueCount,
  offered: guestFeatures(device),
  fields: configFields(device),
});

/** A device that was opened, in whatever thread. */
export interface LauncherDevice {
  readonly description: DeviceDescription;
  /** Puts it into service at its place on the bus. Once. */
  serve(plan: DevicePlan): Promise<void>;
  /**
   * Ends service and closes the device; with `drains`, what the guest has made available is served before. Resolves to
   * what its queues did.
   */
  stop(drains: boolean): Promise<readonly QueueStats[]>;
}

export interface DeviceServiceOptions {
  readonly device: Device;
  readonly plan: DevicePlan;
  /** Requests are timed. */
  readonly timed: boolean;
  /** Service has ended. Once, and never from within the constructor. */
  readonly broken: (fault: DeviceFault) => void;
  /** For people who want to know more: a line. */
  readonly tell?: (line: string) => void;
}

/** One queue. Its requests wait in the ring until the device has begun. */
class ServedQueue {
  kicks = 0;
  readonly name: string;
  readonly line: Doorbell;
  private readonly index: number;
  private readonly queue: LguestQueue;
  private readonly memory: GuestMemory;
  private readonly latencies: Latencies | null;
  private readonly kick: DoorbellHandle;
  private readonly failed: (error: Error) => void;
  private readonly turns = new Turns(() => this.serveTurn());
  private service: QueueService | null = null;
  private open = true;
  /** Wait until all that is available is completed, or nothing more is served. */
  private settling: (() => void)[] = [];

  constructor(options: DeviceServiceOptions, memory: GuestMemory, index: number, failed: (error: Error) => void) {
    const { device, plan, timed } = options;
    const { size, address, kick, line } = plan.queues[index]!;
    this.name = device.queueCount === 1 ? device.name : `${device.name} ${index}`;
    this.index = index;
    this.memory = memory;
    this.kick = kick;
    this.failed = failed;
    const layout = legacyLayout(size, LGUEST_RING_ALIGN);
    const ring = SplitRing.within(memory.regions[0]!, address, layout, this.name, NO_FEATURES.eventIdx);
    const shared = bindRing(seqcst, ring);
    const check = requestCheck(device.id, index);
    const queueOptions = { ring, shared, features: NO_FEATURES, memory, name: this.name, check };
    this.latencies = timed ? new Latencies() : null;
    this.queue = this.latencies === null ? new LguestQueue(queueOptions) : new TimedQueue(queueOptions, this.latencies);
    this.line = new InterruptLine(plan.interrupts, line);
  }

  /** Puts it into service. */
  begin(device: Device): void {
    const { queue, memory, line, turns } = this;
    this.service = device.start(this.index, { queue, memory, call: line, wake: turns.ask });
    turns.ask();
  }

  /** Until the doorbell is stopped: `kicked` for every kick. */
  async waitForKicks(kicked: (queue: ServedQueue) => void): Promise<void> {
    const waits = strategyOf(this.kick).waitSet(this.kick);
    try {
      for (;;) {
        const wake = await waits.wait(KICK_WAIT_MS);
        if (wake === 'stopped') break;
        if (wake === 'timed-out') continue;
        this.kicks++;
        kicked(this);
      }
    } catch (error) {
      this.failed(error as Error);
    } finally {
      waits.close();
    }
  }

  /** After a kick. */
  serveNow(): void {
    this.turns.takeNow();
  }

  /** Resolves when all that is available has been completed, or nothing more will be. */
  async settle(): Promise<void> {
    this.serveNow();
    if (this.isSettled()) return;
    await new Promise<void>((resolve) => this.settling.push(resolve));
  }

  private serveTurn(): void {
    if (this.serve()) this.turns.ask();
    if (this.settling.length > 0 && this.isSettled()) this.tellSettled();
  }

  private isSettled(): boolean {
    return !this.open || this.queue.isIdle;
  }

  private tellSettled(): void {
    for (const resolve of this.settling.splice(0)) resolve();
  }

  hasAvailable(): boolean {
    return this.queue.hasAvailable();
  }

  async close(drains: boolean): Promise<void> {
    const endMs = performance.now() + DRAIN_MS_MAX;
    while (drains && this.serve() && performance.now() < endMs) await nextRound();
    this.halt();
    strategyOf(this.kick).stop(this.kick);
    await restOf(this.service?.stop(), this.name);
  }

  /** Serves no more; what is under way may still come to its end. */
  halt(): void {
    this.open = false;
    this.tellSettled();
  }

  get stats(): QueueStats {
    const { requests, bytes, failures } = this.service ?? { requests: 0, bytes: 0, failures: 0 };
    const latency = this.latencies === null ? null : this.latencies.summary();
    return { name: this.name, requests, bytes, failures, kicks: this.kicks, interrupts: this.line.rings, latency };
  }

  /** True: more is waiting. */
  private serve(): boolean {
    if (!this.open || this.service === null) return false;
    try {
      return this.service.serve();
    } catch (error) {
      this.failed(error as Error);
      return false;
    }
  }
}

export class DeviceService {
  private readonly options: DeviceServiceOptions;
  private readonly memory: GuestMemory;
  private readonly queues: readonly ServedQueue[];
  private begun = false;
  private isBroken = false;

  /** From now on it waits for the guest's first kick. @throws RangeError, RingError for a plan that cannot be */
  constructor(options: DeviceServiceOptions) {
    const { plan } = options;
    this.options = options;
    const region = new MemoryRegion({ guestBase: 0, buffer: plan.memory, sizeBytes: plan.limitBytes });
    this.memory = new GuestMemory([region]);
    this.queues = plan.queues.map((_, index) => new ServedQueue(options, this.memory, index, this.fail));
    for (const queue of this.queues) void queue.waitForKicks(this.kicked);
    // Where there is no choice, there is nothing to wait for.
    if (guestFeatures(options.device) === 0n) this.begin();
    else void this.waitForDriver();
  }

  get name(): string {
    return this.options.device.name;
  }

  /** The guest's driver has said that it drives the device. */
  get isDriven(): boolean {
    return (Atomics.load(this.memory.bytes[0]!, this.options.plan.statusAddress) & VIRTIO_CONFIG_S_DRIVER_OK) !== 0;
  }

  /** Resolves when a queue has completed all that is available, or serves no more. */
  async settle(queue: number): Promise<void> {
    this.begin();
    await this.queues[queue]?.settle();
  }

  async stop(drains: boolean): Promise<QueueStats[]> {
    try {
      // A guest that halts right after its first kick.
      if (drains && !this.begun && this.queues.some((queue) => queue.hasAvailable())) this.begin();
      strategyOf(this.options.plan.driven).stop(this.options.plan.driven);
      for (const queue of this.queues) await queue.close(drains);
      return this.queues.map(({ stats }) => stats);
    } finally {
      this.options.device.close();
    }
  }

  private readonly kicked = (queue: ServedQueue): void => {
    this.options.tell?.(`Output to ${this.name}`);
    if (this.begun) queue.serveNow();
    else this.begin();
  };

  /** A driver that does not kick is served, too. */
  private async waitForDriver(): Promise<void> {
    const { driven } = this.options.plan;
    const waits = strategyOf(driven).waitSet(driven);
    try {
      let wake = await waits.wait(KICK_WAIT_MS);
      while (wake === 'timed-out') wake = await waits.wait(KICK_WAIT_MS);
      if (wake !== 'stopped') this.begin();
    } catch (error) {
      this.fail(error as Error);
    } finally {
      waits.close();
    }
  }

  /** A guest that kicks, or drives the device, has chosen its features: they are read now, once. */
  private begin(): void {
    if (this.begun) return;
    this.begun = true;
    const { device, plan } = this.options;
    const offered = guestFeatures(device);
    const accepted = this.acceptedOf(plan.acceptedAddress) & offered;
    try {
      // A guest that accepts nothing does not know that there is a choice.
      device.acknowledge(accepted === 0n ? offered : accepted);
      for (const queue of this.queues) queue.begin(device);
    } catch (error) {
      this.fail(error as Error);
    }
  }

  private acceptedOf(address: number | null): bigint {
    if (address === null) return 0n;
    const bytes = this.memory.bytes[0]!;
    return BigInt(new DataView(bytes.buffer, bytes.byteOffset).getUint32(address, true));
  }

  private readonly fail = (error: Error): void => {
    if (this.isBroken) return;
    this.isBroken = true;
    for (const queue of this.queues) queue.halt();
    const bad = badGuestOf(error);
    const fault = { reason: bad?.message ?? `${this.name}: ${error.message}`, byGuest: bad !== null };
    setImmediate(() => this.options.broken(fault));
  };
}

/** A device on the event loop of the thread that opened it. */
export class LocalDevice implements LauncherDevice {
  readonly description: DeviceDescription;
  private readonly options: Omit<DeviceServiceOptions, 'plan'>;
  private service: DeviceService | null = null;

  constructor(options: Omit<DeviceServiceOptions, 'plan'>) {
    this.options = options;
    this.description = describeDevice(options.device);
  }

  async serve(plan: DevicePlan): Promise<void> {
    this.service = new DeviceService({ ...this.options, plan });
  }

  /** The guest's driver has said that it drives the device. */
  get isDriven(): boolean {
    return this.service?.isDriven ?? false;
  }

  /** Resolves when a queue has completed all that its guest has made available, or serves no more. Once it serves. */
  async settle(queue: number): Promise<void> {
    await this.service?.settle(queue);
  }

  async stop(drains: boolean): Promise<readonly QueueStats[]> {
    if (this.service !== null) return await this.service.stop(drains);
    this.options.device.close();
    return [];
  }
}
