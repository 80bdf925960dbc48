/**
 * The measured loop: keeps `depth` requests in flight on every queue, on this thread's event loop. A call wakes it; it
 * takes back what is finished, sends as much again, publishes and kicks once, and waits for the next call. It can look
 * a little first. In the loop nothing is allocated; the clock is looked at twice a turn, not twice a request.
 *
 * A backend that goes away is waited for where that is wanted: what was in flight is sent again, or by the backend's
 * own memory done again, and its latency goes on.
 */
import { type BlockDriver, BlockError } from '../../src/drivers/block.ts';
import { readBlockConfig } from '../../src/drivers/block-config.ts';
import { SECTOR_SIZE, VIRTIO_BLK_F_RO, VIRTIO_BLK_S_OK } from '../../src/formats/block.ts';
import { EMPTY } from '../../src/guest/queue.ts';
import { featureWord } from '../../src/ring/feature-word.ts';
import type { VhostUserDevice } from '../../src/vhost-user/frontend/frontend-device.ts';
import type { Clock } from '../latency/clock.ts';
import { LatencyCounts } from '../latency/counts.ts';
import type { DriveConfig } from '../records/drive-record.ts';
import { BlockOrder } from './block-order.ts';
import { differenceOf, OtherDiskError, outcomeOf, WRONG_KIND_HINT } from './failures.ts';
import { type Lane, openLane } from './lane.ts';
import { checkPattern, fillPattern, SAME } from './pattern.ts';
import type { Phase, PhaseResult } from './phase.ts';
import { openUsage } from './usage.ts';
import { watch } from './watch.ts';

/** Turns of the loop without letting the event loop turn: Ctrl-C and the backend's end are seen, too. */
const TURNS_MAX = 64;
/** Looks for completions between two looks at the clock. */
const LOOKS = 32;
const NS_PER_US = 1000;
const NS_PER_S = 1e9;

const READ = 0;
const WRITE = 1;
const FLUSH = 2;
const KINDS = { read: READ, write: WRITE, flush: FLUSH } as const satisfies Record<Phase['kind'], number>;
const KIND_NAMES = ['read', 'write', 'flush'] as const;

export interface JobOptions {
  readonly device: VhostUserDevice;
  readonly config: DriveConfig;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** About once a second, while a phase runs. */
  onProgress?(requests: number): void;
}

export class BlockJob {
  /** Of the phase that ran last. */
  readonly latency = new LatencyCounts();
  calls = 0;
  private readonly options: JobOptions;
  private readonly lanes: readonly Lane[];
  private readonly order: BlockOrder;
  private readonly firstSector: number;
  private readonly sectorsPerBlock: number;
  private readonly pollNs: number;
  private connected = true;
  private closed = false;
  /** It has finished something, once. */
  private served = false;
  /** The phase under way. */
  private kind: number = READ;
  private pattern = false;
  private limit = 0;
  private running = false;
  private stopping = false;
  private started = 0;
  private completed = 0;
  private errors = 0;
  private mismatches = 0;
  private firstError: string | null = null;
  private lostCalls = 0;
  private reconnects = 0;
  private resubmitted = 0;
  private failure: PhaseResult['failure'] = null;
  private settle: () => void = () => {};
  /** Nanoseconds: the last look at the clock, the phase's start, its end, the last completion. */
  private readonly now = new Float64Array(1);
  private readonly begin = new Float64Array(1);
  private readonly deadline = new Float64Array(1);
  private readonly last = new Float64Array(1);
  private readonly spinEnd = new Float64Array(1);

  constructor(options: JobOptions) {
    const { device, config } = options;
    const { blockSizeBytes, seed } = config;
    this.options = options;
    this.order = new BlockOrder(Math.floor(config.sizeBytes / blockSizeBytes), seed);
    this.firstSector = config.offsetBytes / SECTOR_SIZE;
    this.sectorsPerBlock = blockSizeBytes / SECTOR_SIZE;
    this.pollNs = config.pollUs * NS_PER_US;
    this.lanes = device.queues.map((_, index) => openLane(device, index, config, (lane) => this.turn(lane)));
  }

  /** Starts the device's queues for this job, at this backend or at the next one, as `--reconnect` says. */
  async open(): Promise<PhaseResult['failure']> {
    try {
      await this.start();
    } catch (error) {
      this.failToReturn('the queues could not be started', error);
    }
    return this.failure;
  }

  private async start(): Promise<void> {
    const { device, signal } = this.options;
    const handlers = {
      onCall: (index: number) => {
        this.calls++;
        this.turn(this.lanes[index]!);
      },
      onEnd: (error: Error | null) => this.lostBackend(error),
      checkReturn: (config: Uint8Array, offered: bigint) => this.checkReturn(config, offered),
      onQueueError: (index: number) => this.fail('failed', `the backend says that queue ${index} is broken`),
    };
    if ((await device.start(handlers, signal)) === 'restarted') this.sendAgain();
    signal?.addEventListener('abort', this.interrupt, { once: true });
  }

  close(): void {
    this.closed = true;
    this.options.signal?.removeEventListener('abort', this.interrupt);
    this.options.device.close();
  }

  /** Runs one phase to its end: every request that it sent is taken back, unless it failed. */
  async run(phase: Phase): Promise<PhaseResult> {
    this.kind = KINDS[phase.kind];
    this.order.begin(phase.random);
    this.pattern = phase.pattern;
    this.limit = phase.requests ?? Number.MAX_SAFE_INTEGER;
    this.started = 0;
    this.completed = 0;
    this.errors = 0;
    this.mismatches = 0;
    this.firstError = null;
    this.lostCalls = 0;
    this.reconnects = 0;
    this.resubmitted = 0;
    this.latency.reset();
    const overlongBefore = this.overlongLengths();
    this.stopping = this.options.signal?.aborted === true || this.failure !== null;
    const { clock } = this.options;
    const closeUsage = openUsage();
    clock.stampInto(this.begin, 0);
    this.last[0] = this.begin[0]!;
    this.deadline[0] = phase.seconds === null ? Number.MAX_VALUE : this.begin[0]! + phase.seconds * NS_PER_S;
    this.running = true;
    const over = new Promise<void>((resolve) => {
      this.settle = resolve;
    });
    const stopWatching = watch({
      look: () => {
        this.options.onProgress?.(this.completed);
        if (this.completed > 0) this.served = true;
        return this.completed;
      },
      connected: () => this.connected,
      idle: (idleMs) => this.noteIdle(idleMs),
    });
    for (const lane of this.lanes) this.turn(lane);
    await over;
    const usage = closeUsage();
    stopWatching();
    return {
      requests: this.completed - this.errors,
      wallNs: this.last[0]! - this.begin[0]!,
      usage,
      errors: this.errors,
      mismatches: this.mismatches,
      overlongLengths: this.overlongLengths() - overlongBefore,
      firstError: this.firstError,
      lostCalls: this.lostCalls,
      reconnects: this.reconnects,
      resubmitted: this.resubmitted,
      failure: this.failure,
      interrupted: this.options.signal?.aborted === true,
    };
  }

  private overlongLengths(): number {
    return this.lanes.reduce((sum, { driver }) => sum + driver.overlongLengths, 0);
  }

  /** Works on a queue until there is nothing to do but wait. */
  private turn(lane: Lane): void {
    if (!this.running || !this.connected) return;
    try {
      this.work(lane);
    } catch (error) {
      this.fail('failed', (error as Error).message);
    }
  }

  private work(lane: Lane): void {
    const { driver } = lane;
    for (let turns = 0; turns < TURNS_MAX; turns++) {
      this.takeBack(lane);
      if (!this.stopping && this.send(lane) > 0) driver.submit();
      if (driver.inFlight === 0) {
        this.endIfOver();
        return;
      }
      if (this.pollNs > 0 && this.look(driver)) continue;
      if (driver.enableCalls()) return;
    }
    setImmediate(lane.resume);
  }

  private takeBack(lane: Lane): void {
    const { driver } = lane;
    let slot = driver.take();
    if (slot === EMPTY) return;
    this.options.clock.stampInto(this.last, 0);
    for (; slot !== EMPTY; slot = driver.take()) {
      this.completed++;
      if (driver.status === VIRTIO_BLK_S_OK) {
        this.latency.record(this.last, lane.begins, slot);
        if (this.pattern && this.kind === READ) this.compare(lane, slot);
      } else {
        this.noteError(lane, slot);
      }
      driver.release(slot);
    }
  }

  /** Sends as much as there is room for; how many. */
  private send(lane: Lane): number {
    const { driver } = lane;
    const { clock, config, device } = this.options;
    clock.stampInto(this.now, 0);
    if (this.now[0]! >= this.deadline[0]!) {
      this.stopping = true;
      return 0;
    }
    const lengthBytes = config.blockSizeBytes;
    let count = 0;
    while (this.started < this.limit) {
      const slot = driver.acquire();
      if (slot === EMPTY) break;
      const sector = this.firstSector + this.order.next() * this.sectorsPerBlock;
      lane.sectors[slot] = sector;
      lane.begins[slot] = this.now[0]!;
      let sent: boolean;
      if (this.kind === READ) {
        sent = driver.read(slot, sector, lengthBytes);
      } else if (this.kind === WRITE) {
        if (this.pattern)
          fillPattern(
            device.memory.region.i32,
            driver.dataOffset(slot) >> 2,
            config.seed,
            sector,
            this.sectorsPerBlock,
          );
        sent = driver.write(slot, sector, lengthBytes);
      } else {
        sent = driver.flush(slot);
      }
      if (!sent) throw new RangeError(`queue ${lane.index} has no room for ${config.depth} requests`);
      this.started++;
      count++;
    }
    return count;
  }

  /** Looks for a completion for as long as is allowed. True: there is one. */
  private look(driver: BlockDriver): boolean {
    const { clock } = this.options;
    clock.stampInto(this.spinEnd, 0);
    this.spinEnd[0]! += this.pollNs;
    do {
      for (let i = 0; i < LOOKS; i++) if (driver.callDue()) return true;
      clock.stampInto(this.now, 0);
    } while (this.now[0]! < this.spinEnd[0]!);
    return false;
  }

  private compare(lane: Lane, slot: number): void {
    const { config, device } = this.options;
    const { i32 } = device.memory.region;
    const sector = lane.sectors[slot]!;
    const wrong = checkPattern(i32, lane.driver.dataOffset(slot) >> 2, config.seed, sector, this.sectorsPerBlock);
    if (wrong === SAME) return;
    this.mismatches++;
    this.firstError ??= `byte ${sector * SECTOR_SIZE + wrong} of the disk is not what was written there`;
  }

  private noteError(lane: Lane, slot: number): void {
    this.errors++;
    const what = `${KIND_NAMES[this.kind]} at byte ${lane.sectors[slot]! * SECTOR_SIZE}`;
    this.firstError ??= new BlockError(lane.driver.status, what).message;
  }

  private endIfOver(): void {
    if (!this.stopping && this.started < this.limit) return;
    for (const { driver } of this.lanes) if (driver.inFlight > 0) return;
    this.end();
  }

  private end(): void {
    if (!this.running) return;
    this.running = false;
    this.settle();
  }

  private fail(outcome: 'stalled' | 'failed', message: string): void {
    this.failure ??= { outcome, message };
    this.end();
  }

  private readonly interrupt = (): void => {
    this.stopping = true;
    // What is in flight is still taken back, while there is a backend.
    if (this.running && this.connected) this.endIfOver();
  };

  /** What no call came for is taken back all the same; a backend that does nothing has a bound. */
  private noteIdle(idleMs: number): void {
    const { timeout } = this.options.config;
    const forgotten = this.lanes.filter(({ driver }) => driver.callDue());
    if (forgotten.length > 0) {
      this.lostCalls++;
      for (const lane of forgotten) this.turn(lane);
    } else if (idleMs >= timeout * 1000) {
      const hint = this.served ? '' : ` ${WRONG_KIND_HINT}`;
      this.fail('stalled', `the backend finished nothing for ${timeout} s${hint}`);
    }
  }

  private lostBackend(error: Error | null): void {
    if (this.closed) return;
    this.connected = false;
    if (this.options.config.reconnect) void this.reconnect();
    else this.fail('failed', `the backend went away: ${error?.message ?? 'the connection was closed'}`);
  }

  private async reconnect(): Promise<void> {
    const { device, config, signal } = this.options;
    try {
      // What it finished before it died is done.
      for (const lane of this.lanes) this.takeBack(lane);
      const how = await device.reconnect(config.timeout * 1000, signal);
      this.reconnects++;
      if (how === 'restarted') this.sendAgain();
      this.connected = true;
      for (const lane of this.lanes) this.turn(lane);
    } catch (error) {
      this.failToReturn('the backend did not come back', error);
    }
  }

  /** To rings that were begun anew. */
  private sendAgain(): void {
    const { device } = this.options;
    for (const { driver, index } of this.lanes) {
      this.resubmitted += driver.resume(device.queues[index]!.queue);
      driver.submit();
    }
  }

  private failToReturn(what: string, error: unknown): void {
    if (this.options.signal?.aborted === true) this.end();
    else if (error instanceof OtherDiskError) this.fail('failed', error.message);
    else this.fail(outcomeOf(error), `${what}: ${(error as Error).message}`);
  }

  /** @throws OtherDiskError, BlockConfigError */
  private checkReturn(config: Uint8Array, offered: bigint): void {
    const { disk } = this.lanes[0]!.driver;
    const readOnly = featureWord(VIRTIO_BLK_F_RO);
    const features = this.options.device.features & ~readOnly;
    const difference = differenceOf(disk, readBlockConfig(config, features | (offered & readOnly)));
    if (difference !== null) throw new OtherDiskError(difference);
  }
}
