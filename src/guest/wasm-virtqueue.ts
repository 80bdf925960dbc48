/**
 * The driver side of a split virtqueue by the Wasm engine: what `SplitVirtqueue` does, with the same results, errors
 * and ring, byte for byte. Guest thread only. The work is done by `split-virtqueue.as.ts`; here are the doorbell, the
 * errors, and the caller's mistakes.
 *
 * Its accesses to shared fields are Wasm's own atomics: ordering `wasm`, whatever the peer uses.
 */
import type { Doorbell } from '../doorbell/doorbell.ts';
import { PrivateArea } from '../memory/private-area.ts';
import type { MemoryRegion, SharedMemory } from '../memory/region.ts';
import { bindModule } from '../memory/wasm-module.ts';
import { EngineWords, regionsOf, ringAddresses } from '../ring/engine.ts';
import {
  ADDED,
  ENGINE_WORDS_SIZE,
  RING_BROKE,
  RING_ONCE,
  RING_TWICE,
  WORD_CLAIMED_LENGTH,
  WORD_CLAMPED,
  WORD_USED_LENGTH,
} from '../ring/engine-words.ts';
import type { RingError } from '../ring/errors.ts';
import type { RingFeatures } from '../ring/features.ts';
import type { SplitRing } from '../ring/split-layout.ts';
import { IndirectPool, type IndirectPoolOptions } from './indirect-pool.ts';
import type { GuestQueue } from './queue.ts';
import { ScatterList } from './scatter-list.ts';

export interface WasmVirtqueueOptions {
  /** Its parts lie in one shared memory (`allocateShared`), as the tables and the private area do. */
  ring: SplitRing;
  /** What the engine keeps for itself: `WasmVirtqueue.privateBytes` at least, outside every region, for this queue alone. */
  privateArea: PrivateArea;
  features: RingFeatures;
  /** Rung by `kick`, by a full ring and after 65,535 adds without a kick. */
  doorbell: Doorbell;
  /** Tables for requests of several elements, this queue's own; without them every request goes direct. */
  tables?: IndirectPoolOptions;
  /** Where the elements of `elements` lie. Default: the descriptor table's region. */
  region?: MemoryRegion;
  /** As for `SplitVirtqueue`. */
  startIndex?: number;
  /** Named in errors. */
  name?: string;
  /** Binds a module that has the engine compiled into it. Default: the engine alone. */
  bind?: (memory: SharedMemory) => GuestEngineExports;
}

/** What the module exports that a queue is made over. */
export interface GuestEngineExports {
  setRing(size: number, ...addresses: ReturnType<typeof ringAddresses>): void;
  setUp(words: number, heads: number, next: number, ownList: number, copiedList: number, base: bigint): void;
  setTables(at: number, address: bigint, length: number, count: number, free: number): void;
  start(startIndex: number, fresh: number, eventIdx: number): void;
  freeDescriptors(): number;
  freeTablesNow(): number;
  add(outCount: number, inCount: number, token: number, copied: number): number;
  addDeferred(outCount: number, inCount: number, token: number, copied: number): number;
  publish(): void;
  publishAndAsk(): number;
  kickPrepare(): number;
  look(): number;
  getBuf(): number;
  callDue(): number;
  disableCalls(): void;
  enableCalls(): number;
  enableCallsDelayed(): number;
  enableCallsPrepare(): number;
  poll(prepared: number): number;
  detachUnused(): number;
}

const MODULE = new URL('./split-virtqueue.wasm', import.meta.url);

/** Bytes of what is kept by head, and of the two lists, for each descriptor. */
const HEAD_BYTES = 16;
const LIST_BYTES = 16;

/** Each piece of the private area, bytes. */
const piecesOf = (size: number, tableCount: number) => ({
  words: ENGINE_WORDS_SIZE,
  heads: HEAD_BYTES * size,
  next: 2 * size,
  ownList: LIST_BYTES * size,
  copiedList: LIST_BYTES * size,
  freeTables: 4 * tableCount,
});

export class WasmVirtqueue implements GuestQueue {
  readonly size: number;
  readonly name: string;
  /** A list of the ring's size for requests in `region`: `add` reads it in place, and copies any other. */
  readonly elements: ScatterList;

  private readonly region: MemoryRegion;
  private readonly doorbell: Doorbell;
  private readonly words: EngineWords;
  private readonly results: Uint32Array;
  /** What a list that is not `elements` is copied to: offsets and lengths, then guest bases in pairs of words. */
  private readonly copied: Uint32Array;
  private broken: RingError | null = null;

  // The exports one by one: called as fields, so that the engine can compile the calls into their callers.
  private readonly wasm: GuestEngineExports;
  private readonly wasmAddDeferred: GuestEngineExports['addDeferred'];
  private readonly wasmPublishAndAsk: GuestEngineExports['publishAndAsk'];
  private readonly wasmGetBuf: GuestEngineExports['getBuf'];

  /** @throws TypeError, RangeError if ring, tables and private area are not in one memory, each in its place. */
  constructor(options: WasmVirtqueueOptions) {
    const { ring, privateArea, features, startIndex = 0 } = options;
    const { size } = ring;
    ring.checkFeatures(features);
    if ((startIndex & 0xffff) !== startIndex) throw new RangeError(`an index has 16 bits, unlike ${startIndex}`);
    const tables = features.indirect ? options.tables : undefined;
    const region = options.region ?? ring.places.desc.region;
    privateArea.checkApart([...regionsOf(ring), ...(tables === undefined ? [] : [tables.region]), region]);
    const { memory } = privateArea;
    this.size = size;
    this.name = options.name ?? 'guest queue';
    this.region = region;
    this.doorbell = options.doorbell;

    const pieces = piecesOf(size, tables?.tableCount ?? 0);
    const words = privateArea.take(pieces.words);
    const heads = privateArea.take(pieces.heads);
    const next = privateArea.take(pieces.next);
    const ownList = privateArea.take(pieces.ownList);
    const copiedList = privateArea.take(pieces.copiedList);
    this.words = new EngineWords(memory, words, pieces.words);
    this.results = this.words.u32;
    this.elements = new ScatterList(size, {
      offsets: new Uint32Array(memory.buffer, ownList, size),
      lengths: new Uint32Array(memory.buffer, ownList + 4 * size, size),
    });
    for (let i = 0; i < size; i++) this.elements.regions.push(region);
    this.copied = new Uint32Array(memory.buffer, copiedList, pieces.copiedList / 4);

    this.wasm = options.bind?.(memory) ?? bindModule<GuestEngineExports>(MODULE, memory);
    this.wasm.setRing(size, ...ringAddresses(ring));
    this.wasm.setUp(words, heads, next, ownList, copiedList, BigInt(region.guestBase));
    if (tables !== undefined) {
      IndirectPool.check(tables);
      const { offset, tableCount, tableLength } = tables;
      const address = BigInt(tables.region.addressOf(offset));
      const freeTables = privateArea.take(pieces.freeTables);
      this.wasm.setTables(tables.region.byteOffset + offset, address, tableLength, tableCount, freeTables);
    }
    this.wasm.start(startIndex, options.startIndex === undefined ? 1 : 0, features.eventIdx ? 1 : 0);
    this.wasmAddDeferred = this.wasm.addDeferred;
    this.wasmPublishAndAsk = this.wasm.publishAndAsk;
    this.wasmGetBuf = this.wasm.getBuf;
  }

  /** What a queue of `size` descriptors and so many tables needs for itself, bytes. */
  static privateBytes(size: number, tableCount = 0): number {
    return PrivateArea.sizeOf(Object.values(piecesOf(size, tableCount)));
  }

  /** Bytes the host says it wrote, at most those of the request. */
  get usedLength(): number {
    return this.results[WORD_USED_LENGTH]!;
  }

  get claimedLength(): number {
    return this.results[WORD_CLAIMED_LENGTH]!;
  }

  /** Used lengths that were larger than the request's writable bytes, and were cut to them. */
  get clampedLengths(): number {
    return this.results[WORD_CLAMPED]!;
  }

  /** Descriptors not in use. */
  get freeDescriptors(): number {
    return this.wasm.freeDescriptors();
  }

  /** Indirect tables not in use. */
  get freeTables(): number {
    return this.wasm.freeTablesNow();
  }

  /** True once the host broke a rule of the ring. */
  get isBroken(): boolean {
    return this.broken !== null;
  }

  /**
   * @throws RangeError for a request of no element, or of more than the ring has descriptors
   * [virtio-v1.2 §2.7.5.3.1]; RingError on a broken queue.
   */
  add(elements: ScatterList, token: number): boolean {
    const copied = this.take(elements, token);
    return this.ringAsTold(this.wasm.add(elements.outCount, elements.inCount, token, copied));
  }

  addDeferred(elements: ScatterList, token: number): boolean {
    const copied = this.take(elements, token);
    const result = this.wasmAddDeferred(elements.outCount, elements.inCount, token, copied);
    return result === ADDED || this.ringAsTold(result);
  }

  publish(): void {
    this.wasm.publish();
  }

  kick(): boolean {
    if (!this.kickPrepare()) return false;
    this.notify();
    return true;
  }

  publishAndKick(): boolean {
    const wanted = this.wasmPublishAndAsk() !== 0;
    if (this.broken !== null) throw this.broken;
    if (!wanted) return false;
    this.notify();
    return true;
  }

  /** True if the host must be kicked for what was published since the last call. */
  kickPrepare(): boolean {
    if (this.broken !== null) throw this.broken;
    return this.wasm.kickPrepare() !== 0;
  }

  /** Rings the host, asked for or not. */
  notify(): void {
    this.doorbell.ring();
  }

  look(): number {
    if (this.broken !== null) throw this.broken;
    const count = this.wasm.look();
    if (count === RING_BROKE) throw this.breakQueue();
    return count;
  }

  getBuf(): number {
    if (this.broken !== null) throw this.broken;
    const token = this.wasmGetBuf();
    if (token === RING_BROKE) throw this.breakQueue();
    return token;
  }

  callDue(): boolean {
    return this.wasm.callDue() !== 0;
  }

  disableCalls(): void {
    this.wasm.disableCalls();
  }

  enableCalls(): boolean {
    const safe = this.wasm.enableCalls() !== 0;
    if (this.broken !== null) throw this.broken;
    return safe;
  }

  /** Asks for a call at the next completion. Returns what `poll` compares with. */
  enableCallsPrepare(): number {
    return this.wasm.enableCallsPrepare();
  }

  /** True if something was completed since `enableCallsPrepare` returned `prepared`. */
  poll(prepared: number): boolean {
    if (this.broken !== null) throw this.broken;
    return this.wasm.poll(prepared) !== 0;
  }

  enableCallsDelayed(): boolean {
    if (this.broken !== null) throw this.broken;
    return this.wasm.enableCallsDelayed() !== 0;
  }

  /** As `SplitVirtqueue.detachUnused`. */
  detachUnused(): number {
    return this.wasm.detachUnused();
  }

  /** Checks a request and puts it where the engine reads it: 0 in its own list, 1 in its copy of another one. */
  private take(elements: ScatterList, token: number): number {
    if (this.broken !== null) throw this.broken;
    const { regions } = elements;
    const { region } = this;
    const count = elements.outCount + elements.inCount;
    if (count === 0 || count > this.size)
      throw new RangeError(`a request has 1 to ${this.size} elements, not ${count}`);
    if ((token | 0) !== token || token < 0) throw new RangeError(`a token is an integer from 0, not ${token}`);
    if (elements !== this.elements) return this.copy(elements, count);
    // Its places were filled with our region when it was made: that it strayed once is rare, and looked into then.
    if (elements.strayed) for (let i = 0; i < count; i++) if (regions[i] !== region) return this.copy(elements, count);
    return 0;
  }

  private copy({ regions, offsets, lengths }: ScatterList, count: number): number {
    const { copied, size } = this;
    for (let i = 0; i < count; i++) {
      const region = regions[i]!;
      copied[i] = offsets[i]!;
      copied[size + i] = lengths[i]!;
      copied[2 * size + 2 * i] = region.guestBaseLow;
      copied[2 * size + 2 * i + 1] = region.guestBaseHigh;
    }
    return 1;
  }

  /** Rings as often as an add says. Returns whether it added. */
  private ringAsTold(result: number): boolean {
    if ((result & RING_ONCE) !== 0) this.notify();
    if ((result & RING_TWICE) !== 0) this.notify();
    return (result & ADDED) !== 0;
  }

  /** Notes that the ring broke, as the engine's words tell. */
  breakQueue(): RingError {
    this.broken = this.words.error(this.name);
    return this.broken;
  }
}
