/**
 * A device whose queues all run in the thread of its session, on its event loop: each queue is served when it is
 * kicked, for a batch at a time. Mappings are this thread's, shared by its queues.
 */
import type { Device, QueueService } from '../../devices/device.ts';
import { restOf, Turns } from '../../devices/in-service.ts';
import type { QueueState } from '../../host/queue.ts';
import { DirtyLog, LOG_PAGE_SIZE } from '../../memory/dirty-log.ts';
import { OpenLater } from '../../memory/guest-memory.ts';
import { bindRing } from '../../ordering/ring-fields.ts';
import { seqcst } from '../../ordering/seqcst.ts';
import { VIRTIO_F_NOTIFY_ON_EMPTY } from '../../ring/constants.ts';
import { hasFeature } from '../../ring/feature-word.ts';
import { featuresFromBits } from '../../ring/features.ts';
import { RING_PARTS } from '../../ring/split-layout.ts';
import type { Handle } from '../messages/handle.ts';
import { InflightArea } from './inflight.ts';
import { CallBell, type KickSource, watchKicks } from './notifications.ts';
import { VhostUserQueue } from './queue.ts';
import { QueueRecord } from './queue-record.ts';
import { NO_STATS, type QueueRunner, type QueueStats, type RunnerEvents, type ServedDevice } from './queue-runner.ts';
import type { AreaSetup, QueueSetup } from './queue-setup.ts';
import { type MappedArea, mapArea, type QueueMemory, threadMemory } from './thread-memory.ts';

/** Pages that a device notes between two calls of `serve` are told of at the latest then. */
const LOG_CALL_EVERY_MS = 100;

export interface LocalDeviceOptions {
  /** After a batch a queue is looked at again for so long before it waits for a kick. Default 0. */
  readonly pollUs?: number;
}

/** Everything of a queue in service, taken apart in the opposite order. */
interface InService {
  readonly memory: QueueMemory;
  readonly areas: MappedArea[];
  readonly queue: VhostUserQueue;
  readonly call: CallBell;
  readonly service: QueueService;
  readonly log: DirtyLog | null;
  readonly logCall: CallBell | null;
  readonly events: RunnerEvents;
  kicks: KickSource | null;
  logTimer: NodeJS.Timeout | null;
}

class LocalRunner implements QueueRunner {
  private readonly device: Device;
  private readonly pollUs: number;
  private readonly turns = new Turns(() => this.serve());
  private current: InService | null = null;
  private isBroken = false;
  private pollUntil = 0;
  private requestsSeen = 0;
  /** Of earlier services. */
  private readonly past: QueueStats = { ...NO_STATS };

  constructor(device: Device, { pollUs = 0 }: LocalDeviceOptions) {
    this.device = device;
    this.pollUs = pollUs;
  }

  async start(setup: QueueSetup, events: RunnerEvents): Promise<void> {
    const current = this.putIntoService(setup, events);
    this.current = current;
    this.isBroken = false;
    this.requestsSeen = 0;
    this.past.starts++;
    try {
      current.kicks = watchKicks(setup.kick, setup.byMessage, this.onKick, this.fail);
    } catch (error) {
      await this.stop();
      throw error;
    }
    if (current.logCall !== null) current.logTimer = setInterval(this.tellLog, LOG_CALL_EVERY_MS).unref();
    this.turns.ask();
  }

  private putIntoService(setup: QueueSetup, events: RunnerEvents): InService {
    const name = `queue ${setup.index}`;
    const areas: MappedArea[] = [];
    const map = (area: AreaSetup): Uint8Array => {
      const mapped = mapArea(area);
      areas.push(mapped);
      return mapped.bytes;
    };
    const memory = threadMemory().open(setup.regions);
    try {
      const ring = memory.ringOf(setup);
      const log = setup.log === null ? null : new DirtyLog(map(usedPart(setup.log, setup)));
      memory.guest.dirtyLog = log;
      const part = setup.inflight;
      for (const area of part?.forgotten ?? []) InflightArea.forget(map(area));
      const inflight = part === null ? null : new InflightArea(map(part), setup.size, name, part.entries);
      const queue = new VhostUserQueue({
        ring,
        shared: bindRing(seqcst, ring),
        features: featuresFromBits(setup.features),
        memory: memory.guest,
        availIdx: setup.availIdx,
        usedIdx: setup.usedIdx,
        notifyOnEmpty: hasFeature(setup.features, VIRTIO_F_NOTIFY_ON_EMPTY),
        inOrder: setup.inOrder,
        inflight,
        usedLogAddress: setup.usedLogAddress,
        ...(setup.record && { record: new QueueRecord(setup.size, setup.record) }),
        name,
      });
      const call = new CallBell(setup.call, setup.byMessage ? events.called : null, this.fail);
      const logCall = setup.logCall === null ? null : new CallBell(setup.logCall, null, this.fail);
      const service = this.device.start(setup.index, { queue, memory: memory.guest, call, wake: this.turns.ask });
      return { memory, areas, queue, call, service, log, logCall, events, kicks: null, logTimer: null };
    } catch (error) {
      for (const area of areas) area.close();
      memory.close();
      throw error;
    }
  }

  async setCall(call: Handle | null): Promise<void> {
    if (this.current === null) return;
    try {
      this.current.call.connect(call);
    } catch (error) {
      this.fail(error as Error);
      return;
    }
    this.current.call.ring();
  }

  kick(): void {
    this.onKick();
  }

  async stop(): Promise<QueueState> {
    const current = this.current;
    if (current === null) throw new TypeError('the queue is not in service');
    this.current = null;
    current.kicks?.close();
    if (current.logTimer !== null) clearInterval(current.logTimer);
    try {
      await restOf(current.service.stop(), 'the device');
    } finally {
      tellLog(current);
      for (const name of ['requests', 'brokenRequests', 'failures', 'bytes'] as const)
        this.past[name] += current.service[name];
      this.past.calls += current.call.rings;
      for (const area of current.areas) area.close();
      current.memory.close();
    }
    return current.queue.state(true);
  }

  get stats(): QueueStats {
    const { past, current } = this;
    if (current === null) return { ...past };
    const { service } = current;
    return {
      requests: past.requests + service.requests,
      brokenRequests: past.brokenRequests + service.brokenRequests,
      failures: past.failures + service.failures,
      bytes: past.bytes + service.bytes,
      kicks: past.kicks,
      calls: past.calls + current.call.rings,
      starts: past.starts,
    };
  }

  private readonly onKick = (): void => {
    this.past.kicks++;
    this.turns.takeNow();
  };

  private serve(): void {
    const { current } = this;
    if (current === null || this.isBroken) return;
    current.memory.guest.beginTurn();
    try {
      const more = current.service.serve();
      if (current.logCall !== null) tellLog(current);
      if (more || (this.pollUs > 0 && this.looksAgain(current.service.requests))) this.turns.ask();
    } catch (error) {
      // A request over a thousand pieces of memory comes after a thousand turns, with the rest of the loop in between.
      if (error instanceof OpenLater) this.turns.ask();
      else this.fail(error as Error);
    }
  }

  /** True while the time to look again, which starts anew with every request, has not passed. */
  private looksAgain(requests: number): boolean {
    const now = performance.now();
    if (requests !== this.requestsSeen) {
      this.requestsSeen = requests;
      this.pollUntil = now + this.pollUs / 1000;
    }
    return now < this.pollUntil;
  }

  private readonly tellLog = (): void => {
    if (this.current !== null) tellLog(this.current);
  };

  /** Nothing is served any more; told once. */
  private readonly fail = (error: Error): void => {
    if (this.isBroken || this.current === null) return;
    this.isBroken = true;
    this.current.events.broken(error);
  };
}

/** A log's bytes for all that can be written: it may be said to be of any size. */
function usedPart(log: AreaSetup, { regions, usedLogAddress, size, features }: QueueSetup): AreaSetup {
  const usedBytes = RING_PARTS.used.sizeBytes(size, featuresFromBits(features).eventIdx);
  const usedEnd = usedLogAddress === null ? 0 : usedLogAddress + usedBytes;
  const end = regions.reduce((last, region) => Math.max(last, region.guestBase + region.sizeBytes), usedEnd);
  return { ...log, sizeBytes: Math.min(log.sizeBytes, Math.ceil(end / (8 * LOG_PAGE_SIZE))) };
}

function tellLog({ log, logCall }: InService): void {
  if (log?.takeMarked()) logCall?.ring();
}

export class LocalDevice implements ServedDevice {
  readonly oneThread = true;
  readonly announce: ServedDevice['announce'];
  readonly setMtu: ServedDevice['setMtu'];
  private readonly device: Device;
  private readonly runners: readonly LocalRunner[];

  constructor(device: Device, options: LocalDeviceOptions = {}) {
    this.device = device;
    this.announce = device.announce?.bind(device);
    this.setMtu = device.setMtu?.bind(device);
    this.runners = Array.from({ length: device.queueCount }, () => new LocalRunner(device, options));
  }

  get id(): number {
    return this.device.id;
  }
  get name(): string {
    return this.device.name;
  }
  get features(): bigint {
    return this.device.features;
  }
  get queueCount(): number {
    return this.device.queueCount;
  }
  get config(): Uint8Array {
    return this.device.config;
  }

  acknowledge(features: bigint): void {
    this.device.acknowledge(features);
  }

  writeConfig(offset: number, bytes: Uint8Array): boolean {
    return this.device.writeConfig(offset, bytes);
  }

  reset(): void {
    this.device.reset?.();
  }

  runner(index: number): QueueRunner {
    return this.runners[index]!;
  }

  async close(): Promise<void> {
    this.device.close();
  }
}
