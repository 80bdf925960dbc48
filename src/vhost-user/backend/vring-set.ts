/**
 * All rings of a session, and which of them are in service: they are put into it as soon as everything is there, and
 * taken out for as long as something changes that a runner cannot change by itself (memory, features, log). In the
 * session's thread; what runs a queue, and where, is the runner's.
 */
import { REGION_SIZE_MAX } from '../../memory/region.ts';
import { VIRTIO_RING_F_EVENT_IDX } from '../../ring/constants.ts';
import { RING_PARTS } from '../../ring/split-layout.ts';
import { ProtocolError } from '../messages/errors.ts';
import type { Handle } from '../messages/handle.ts';
import { VHOST_F_LOG_ALL, VHOST_LOG_PAGE, VHOST_USER_F_PROTOCOL_FEATURES } from '../messages/protocol.ts';
import type { QueueRunner, RunnerEvents } from '../queues/queue-runner.ts';
import type { AreaSetup, QueueSetup } from '../queues/queue-setup.ts';
import { type InflightShape, inflightPart } from './inflight-shape.ts';
import type { MemoryTable } from './memory-table.ts';
import { checkRing, VringState } from './vring-state.ts';

/** What all rings depend on. */
export interface RingContext {
  readonly memory: MemoryTable;
  /** As acknowledged. */
  readonly features: bigint;
  readonly log: AreaSetup | null;
  readonly logCall: Handle | null;
  readonly inflight: InflightShape | null;
  /** Kicks and calls without handles travel as messages. */
  readonly byMessage: boolean;
}

/** What a request changes of a ring that may be in service. */
export type VringChange = Partial<Pick<VringState, 'enabled' | 'started' | 'kick' | 'addresses'>>;

/** What decides whether a ring is served. */
type Wanting = Pick<VringState, 'size' | 'addresses' | 'enabled' | 'started' | 'broken'>;

export interface VringSetOptions {
  readonly count: number;
  readonly runner: (index: number) => QueueRunner;
  readonly inOrder: (index: number) => boolean;
  readonly context: RingContext;
  /** A ring is out of service by no wish of the frontend's. */
  readonly broken: (ring: VringState, error: Error) => void;
  /** The guest is to be called by message. */
  readonly called: (ring: VringState) => void;
  /** A ring is put into service for which the in-flight area has no room. */
  readonly untracked: (ring: VringState, inflight: InflightShape) => void;
}

export const hasBit = (word: bigint, bit: number): boolean => ((word >> BigInt(bit)) & 1n) !== 0n;

/** The log that writes are to be noted in, or null. */
const activeLog = ({ features, log }: RingContext): AreaSetup | null =>
  hasBit(features, VHOST_F_LOG_ALL) ? log : null;

/** Of a log no more than can be mapped as one piece is used: 128 TiB of guest addresses. */
const LOG_SIZE_MAX = REGION_SIZE_MAX;

/** Guest addresses below this are covered by a log of so many bytes: one bit a page. */
export const logEnd = (sizeBytes: number): number => Math.min(sizeBytes, LOG_SIZE_MAX) * 8 * VHOST_LOG_PAGE;

/** @throws ProtocolError unless all that can be written is covered by the log, where one is kept. */
function checkLog(context: RingContext, request: string): void {
  const log = activeLog(context);
  if (log !== null && context.memory.guestEnd > logEnd(log.sizeBytes))
    throw new ProtocolError('bad-log-area', request, log.sizeBytes);
}

export class VringSet {
  readonly rings: readonly VringState[];
  context: RingContext;
  private readonly options: VringSetOptions;
  private readonly runners: readonly QueueRunner[];

  constructor(options: VringSetOptions) {
    this.options = options;
    this.context = options.context;
    this.rings = Array.from({ length: options.count }, (_, index) => new VringState(index));
    this.runners = this.rings.map(({ index }) => options.runner(index));
  }

  /** @throws ProtocolError */
  at(index: number, request: string): VringState {
    const ring = this.rings[index];
    if (ring === undefined) throw new ProtocolError('queue-out-of-range', request, index);
    return ring;
  }

  get anyStarted(): boolean {
    return this.rings.some(({ started }) => started);
  }

  get anyBroken(): boolean {
    return this.rings.some(({ broken }) => broken);
  }

  /** Puts a ring into service or takes it out, as its state demands. @throws ProtocolError if it cannot be served. */
  async settle(ring: VringState, request: string): Promise<void> {
    const wanted = this.isWanted(ring, this.context);
    if (wanted && !ring.running) await this.start(ring, request);
    else if (!wanted && ring.running) await this.pause(ring);
  }

  /**
   * Changes one ring, and puts it into service or takes it out as that demands. A ring that runs is paused if its
   * runner has to know.
   * @throws ProtocolError if it cannot be served so: then it is as it was; broken, if its runner failed
   */
  async alter(ring: VringState, change: VringChange, request: string): Promise<void> {
    const { enabled, started, kick, addresses } = ring;
    const next = { ...ring, ...change };
    if (this.isWanted(next, this.context)) this.check(next, this.context, request);
    if (next.kick !== kick || next.addresses !== addresses) await this.pause(ring);
    Object.assign(ring, change);
    try {
      await this.settle(ring, request);
    } catch (error) {
      Object.assign(ring, { enabled, started, kick, addresses });
      throw error;
    }
  }

  /** Takes a ring out of service, if it is in it. */
  async pause(ring: VringState): Promise<void> {
    if (!ring.running) return;
    ring.running = false;
    ring.standAt(await this.runners[ring.index]!.stop());
  }

  /** All of them, also if one fails. */
  async pauseAll(): Promise<void> {
    const paused = await Promise.allSettled(this.rings.map((ring) => this.pause(ring)));
    const failed = paused.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /**
   * Changes what all rings depend on: the running ones are paused, and go on with it.
   * @throws ProtocolError, nothing changed, if one of them could not. Without one, all is changed.
   */
  async change(change: Partial<RingContext>, request: string): Promise<void> {
    const before = this.context;
    const next = { ...before, ...change };
    if ((Object.keys(next) as (keyof RingContext)[]).every((key) => next[key] === before[key])) return;
    checkLog(next, request);
    for (const ring of this.rings) {
      if (!ring.running || ring.broken) continue;
      if (this.isWanted(ring, next)) this.check(ring, next, request);
      else if (next.memory.regions.length === 0) throw new ProtocolError('region-in-use', request, ring.index);
    }
    await this.pauseAll();
    this.context = next;
    await this.settleAll(request);
  }

  /** Settles every ring; one that cannot be served is broken, which is told where it happens. */
  async settleAll(request: string): Promise<void> {
    for (const ring of this.rings) {
      try {
        await this.settle(ring, request);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.breakRing(ring, error);
      }
    }
  }

  /** A new call handle, also of a ring that runs. The old one is the caller's. */
  async setCall(ring: VringState, call: Handle | null): Promise<void> {
    ring.call = call;
    if (ring.running) await this.runners[ring.index]!.setCall(call);
  }

  /** A kick by message. */
  kick(ring: VringState): void {
    if (ring.running) this.runners[ring.index]!.kick();
  }

  /** That a ring could be served as it is. @throws ProtocolError */
  check({ size, addresses }: Pick<VringState, 'size' | 'addresses'>, context: RingContext, request: string): void {
    if (addresses === null || size === 0) throw new ProtocolError('kick-before-addresses', request, size);
    checkRing(size, addresses, context, request);
    const { usedLogAddress } = addresses;
    const log = activeLog(context);
    if (log !== null && usedLogAddress !== null) {
      const end = usedLogAddress + RING_PARTS.used.sizeBytes(size, hasBit(context.features, VIRTIO_RING_F_EVENT_IDX));
      if (end > logEnd(log.sizeBytes)) throw new ProtocolError('bad-log-area', request, end);
    }
  }

  private isWanted(ring: Wanting, { memory, features }: RingContext): boolean {
    const enabled = ring.enabled ?? !hasBit(features, VHOST_USER_F_PROTOCOL_FEATURES);
    const complete = ring.size > 0 && ring.addresses !== null && memory.regions.length > 0;
    return complete && enabled && ring.started && !ring.broken;
  }

  private async start(ring: VringState, request: string): Promise<void> {
    this.check(ring, this.context, request);
    const setup = this.setupOf(ring);
    if (setup.inflight === null && this.context.inflight !== null) this.options.untracked(ring, this.context.inflight);
    const events: RunnerEvents = {
      broken: (error) => this.breakRing(ring, error),
      called: () => this.options.called(ring),
    };
    // Before the runner works: what it tells belongs to a ring that runs.
    ring.running = true;
    try {
      await this.runners[ring.index]!.start(setup, events);
      ring.wasReset = false;
    } catch (error) {
      ring.running = false;
      this.breakRing(ring, error as Error);
      throw new ProtocolError('queue-failed', request, ring.index);
    }
  }

  private breakRing(ring: VringState, error: Error): void {
    if (ring.broken) return;
    ring.broken = true;
    this.options.broken(ring, error);
  }

  private setupOf(ring: VringState): QueueSetup {
    const { memory, features, logCall, inflight, byMessage } = this.context;
    const { desc, avail, used, usedLogAddress } = ring.addresses!;
    const log = activeLog(this.context);
    return {
      index: ring.index,
      size: ring.size,
      features,
      regions: memory.regions,
      desc,
      avail,
      used,
      ...ring.position,
      inOrder: this.options.inOrder(ring.index),
      kick: ring.kick,
      call: ring.call,
      byMessage,
      log,
      logCall: log === null ? null : logCall,
      usedLogAddress: log === null ? null : usedLogAddress,
      record: null,
      inflight: inflight === null ? null : inflightPart(inflight, ring.index, ring.size, ring.wasReset),
    };
  }
}
