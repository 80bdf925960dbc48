/**
 * A device whose queues run in threads of their own, seen from the session's thread. Each thread opens the device by
 * itself, from the same plain data, and serves its share of the queues: with as many threads as queues, one each.
 *
 * A thread that dies takes its queues out of service, and nothing else: they are told broken, and the next start of
 * one of them starts another thread.
 */
import type { QueueState } from '../../host/queue.ts';
import { seqcst } from '../../ordering/seqcst.ts';
import type { Handle } from '../messages/handle.ts';
import { ConfigWrites } from './config-writes.ts';
import { QueueRecord } from './queue-record.ts';
import type { QueueRunner, QueueStats, RunnerEvents, ServedDevice } from './queue-runner.ts';
import { NO_STATS } from './queue-runner.ts';
import type { QueueSetup } from './queue-setup.ts';
import { ThreadLink } from './thread-link.ts';
import { threadMemory } from './thread-memory.ts';
import { type DeviceDescription, STATS, statsOf, statsSize, type ThreadReply, thrownThere } from './thread-messages.ts';

/** Counters are made before it is known how many queues the device has. */
const QUEUES_MAX = 256;

const FACTORY = new URL('../../devices/open-device.js', import.meta.url).href;

export interface WorkerDeviceOptions {
  /** What the factory makes the device of: plain data. */
  readonly device: unknown;
  /** URL of a module that exports `openDevice(options)`. Default: this package's devices. */
  readonly factory?: string;
  /** Default: one a queue. Queue q is served by thread q mod threads. */
  readonly threads?: number;
  /** For each thread the CPUs to run on. Default: where the kernel likes. */
  readonly cpus?: readonly (readonly number[])[];
  /** As for a local device. Default 0. */
  readonly pollUs?: number;
  /** The longest time that a thread may take to answer a call; then it is terminated. Default 15,000. */
  readonly callTimeoutMs?: number;
}

/** More than a device may take to finish what it holds. */
const CALL_TIMEOUT_MS = 15_000;

/** What a queue's thread is started with: its record is there. */
type RecordedSetup = QueueSetup & { readonly record: SharedArrayBuffer };

class WorkerRunner implements QueueRunner {
  private readonly device: WorkerDevice;
  private readonly index: number;
  private readonly counters: Float64Array;
  private setup: RecordedSetup | null = null;
  private events: RunnerEvents | null = null;
  private thread: ThreadLink | null = null;
  private run = 0;
  /** A kick is on its way, and was asked for once more since. */
  private kicking = false;
  private kickedAgain = false;

  constructor(device: WorkerDevice, index: number, counters: Float64Array) {
    this.device = device;
    this.index = index;
    this.counters = counters;
  }

  async start(given: QueueSetup, events: RunnerEvents): Promise<void> {
    const setup = { ...given, record: new SharedArrayBuffer(QueueRecord.bytes(given.size)) };
    this.setup = setup;
    this.events = events;
    this.run++;
    try {
      this.thread = this.device.threadOf(this.index);
      await this.thread.call({ call: 'start', setup, run: this.run });
    } catch (error) {
      this.forget();
      throw error;
    }
  }

  async setCall(handle: Handle | null): Promise<void> {
    const { thread, index } = this;
    if (thread !== null) await unlessDead(thread, thread.call({ call: 'setCall', index, handle }));
  }

  /** One call at a time, and one more for all that came meanwhile: a frontend that floods fills no thread's mailbox. */
  kick(): void {
    if (this.kicking) {
      this.kickedAgain = true;
      return;
    }
    if (this.thread === null) return;
    this.kicking = true;
    // A thread that died has told so.
    this.thread.call({ call: 'kick', index: this.index }).then(this.onKicked, this.onKicked);
  }

  private readonly onKicked = (): void => {
    this.kicking = false;
    if (!this.kickedAgain) return;
    this.kickedAgain = false;
    this.kick();
  };

  async stop(): Promise<QueueState> {
    const { thread, setup } = this;
    if (thread === null || setup === null) throw new TypeError('the queue is not in service');
    this.forget();
    if (thread.dead !== null) return standOf(setup);
    try {
      return await thread.call({ call: 'stop', index: this.index });
    } catch (error) {
      // Dead only now: what the ring tells is what counts.
      if (thread.dead !== null) return standOf(setup);
      throw error;
    }
  }

  onEvent(event: Extract<ThreadReply, { event: string }>): void {
    if (event.run !== this.run || this.events === null) return;
    if (event.event === 'called') this.events.called();
    else this.events.broken(thrownThere(event.error));
  }

  onDeath(thread: ThreadLink): void {
    if (thread === this.thread) this.events?.broken(thread.dead!);
  }

  private forget(): void {
    this.setup = null;
    this.events = null;
    this.thread = null;
  }

  get stats(): QueueStats {
    const stats = { ...NO_STATS };
    for (const [i, name] of STATS.entries()) stats[name] = this.counters[i]!;
    return stats;
  }
}

/** A thread's answer; null if it died instead, which its queues are told of. @throws what the thread throws */
async function unlessDead<T>(thread: ThreadLink, answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (thread.dead === null) throw error;
    return null;
  }
}

/** Where a queue stands whose thread is gone: what it left in its record, and what its used ring shows. */
function standOf(setup: RecordedSetup): QueueState {
  const memory = threadMemory().open(setup.regions);
  try {
    const ring = memory.ringOf(setup);
    const usedIdx = seqcst.bind(ring.places.used.region).load16(ring.usedIdx);
    return { availIdx: new QueueRecord(setup.size, setup.record).resumeAt(), usedIdx };
  } finally {
    memory.close();
  }
}

export class WorkerDevice implements ServedDevice {
  readonly oneThread = false;
  private readonly options: WorkerDeviceOptions;
  private readonly stats = new SharedArrayBuffer(statsSize(QUEUES_MAX));
  private readonly threads: (ThreadLink | undefined)[] = [];
  private readonly runners: WorkerRunner[] = [];
  private description: DeviceDescription;
  private acknowledged = 0n;
  /** What each thread was told last. */
  private readonly toldFeatures = new WeakMap<ThreadLink, bigint>();
  /** Threads with a reset on its way, and those that are to be told of one more. */
  private readonly resetting = new WeakSet<ThreadLink>();
  private readonly resetsDue = new WeakSet<ThreadLink>();
  /** By queue, 1: a call is on its way from its thread, and stands for all that come meanwhile. */
  private readonly callsDue = new Int32Array(new SharedArrayBuffer(4 * QUEUES_MAX));
  /** For threads that start later. */
  private readonly written = new ConfigWrites();

  private constructor(options: WorkerDeviceOptions) {
    this.options = options;
    this.description = { id: 0, name: '', features: 0n, queueCount: 0, config: new Uint8Array(0) };
  }

  /** Starts the first thread, which opens the device. @throws what the factory throws; RangeError; TypeError */
  static async open(options: WorkerDeviceOptions): Promise<WorkerDevice> {
    const { threads = 1, factory = FACTORY } = options;
    if (!Number.isInteger(threads) || threads < 1) throw new RangeError(`1 or more threads, not ${threads}`);
    if (!URL.canParse(factory))
      throw new TypeError(
        `a factory is a module's URL, as new URL('./device.js', import.meta.url).href, not '${factory}'`,
      );
    const device = new WorkerDevice(options);
    const first = device.startThread(0);
    device.threads.push(first);
    device.description = await first.call({ call: 'describe' });
    const { queueCount } = device.description;
    if (queueCount > QUEUES_MAX) {
      await device.close();
      throw new RangeError(`a device of ${queueCount} queues: ${QUEUES_MAX} at most`);
    }
    for (let index = 0; index < queueCount; index++)
      device.runners.push(new WorkerRunner(device, index, statsOf(device.stats, index)));
    return device;
  }

  get id(): number {
    return this.description.id;
  }
  get name(): string {
    return this.description.name;
  }
  get features(): bigint {
    return this.description.features;
  }
  get queueCount(): number {
    return this.description.queueCount;
  }
  get config(): Uint8Array {
    return this.description.config;
  }

  /** Threads are told before they start a queue, not at each message of a frontend that floods. */
  acknowledge(features: bigint): void {
    this.acknowledged = features;
  }

  async writeConfig(offset: number, bytes: Uint8Array): Promise<boolean> {
    if (offset + bytes.length > this.config.length) return false;
    const threads = this.living;
    const answers = await Promise.all(
      threads.map((thread) => {
        this.tellReset(thread);
        return unlessDead(thread, thread.call({ call: 'writeConfig', offset, bytes }));
      }),
    );
    const results = answers.filter((answer) => answer !== null);
    const [first] = results;
    if (first !== undefined) this.description = { ...this.description, config: first.config };
    // What ends every thread that is asked would end those to come, too.
    const isAnswered = results.length > 0 || threads.length === 0;
    const taken = isAnswered && results.every((result) => result.taken);
    // What is refused is not kept: a frontend could fill memory with it.
    if (taken) this.written.add(offset, bytes);
    return taken;
  }

  reset(): void {
    for (const thread of this.living) {
      this.resetsDue.add(thread);
      if (!this.resetting.has(thread)) this.tellReset(thread);
    }
  }

  /** A reset that was not told yet is told, before anything that must come behind it. */
  private tellReset(thread: ThreadLink): void {
    if (!this.resetsDue.delete(thread)) return;
    this.resetting.add(thread);
    const onReset = () => {
      this.resetting.delete(thread);
      this.tellReset(thread);
    };
    // A thread that died has told so.
    thread.call({ call: 'reset' }).then(onReset, () => {});
  }

  runner(index: number): QueueRunner {
    return this.runners[index]!;
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread?.close()));
  }

  /** The thread of a queue that is to be put into service, started if need be. */
  threadOf(index: number): ThreadLink {
    const slot = index % Math.min(this.options.threads ?? this.queueCount, this.queueCount);
    let thread = this.threads[slot];
    if (thread === undefined || thread.dead !== null) {
      thread = this.startThread(slot);
      // The last call of one that died may never come.
      this.callsDue.fill(0);
      this.threads[slot] = thread;
      for (const { offset, bytes } of this.written.all)
        thread.call({ call: 'writeConfig', offset, bytes }).catch(() => {});
    }
    this.tellReset(thread);
    if (this.toldFeatures.get(thread) !== this.acknowledged) {
      this.toldFeatures.set(thread, this.acknowledged);
      thread.call({ call: 'acknowledge', features: this.acknowledged }).catch(() => {});
    }
    return thread;
  }

  private get living(): ThreadLink[] {
    return this.threads.filter((thread) => thread !== undefined && thread.dead === null) as ThreadLink[];
  }

  private startThread(slot: number): ThreadLink {
    const { factory = FACTORY, device: options, pollUs = 0, cpus, callTimeoutMs = CALL_TIMEOUT_MS } = this.options;
    const thread = new ThreadLink({
      task: { factory, options, pollUs, cpus: cpus?.[slot] ?? null, stats: this.stats, callsDue: this.callsDue },
      timeoutMs: callTimeoutMs,
      onEvent: (event) => {
        // Before the guest is called: a call that comes from here on is another one.
        if (event.event === 'called') Atomics.store(this.callsDue, event.index, 0);
        this.runners[event.index]?.onEvent(event);
      },
      onDeath: () => {
        for (const runner of this.runners) runner.onDeath(thread);
      },
    });
    return thread;
  }
}
