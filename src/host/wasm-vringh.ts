/**
 * The device side of a split virtqueue by the Wasm engine: what `Vringh` does, with the same results, errors and ring,
 * byte for byte. Host thread only. The work is done by `split-host-queue.as.ts` and `chain-reader.as.ts`; here are
 * the errors, and the caller's mistakes.
 *
 * Guest addresses reach to the end of their region, and regions to the next. Its accesses to shared fields are Wasm's
 * own atomics: ordering `wasm`, whatever the peer uses.
 */
import type { GuestMemory } from '../memory/guest-memory.ts';
import { PrivateArea } from '../memory/private-area.ts';
import type { SharedMemory } from '../memory/region.ts';
import { bindModule } from '../memory/wasm-module.ts';
import { VRING_DESC_SIZE } from '../ring/constants.ts';
import { EngineWords, regionsOf, ringAddresses } from '../ring/engine.ts';
import {
  ENGINE_WORDS_SIZE,
  NONE,
  REQUEST_BAD,
  RING_BROKE,
  WORD_HEAD,
  WORD_READABLE,
  WORD_WRITABLE,
} from '../ring/engine-words.ts';
import type { RingError } from '../ring/errors.ts';
import type { RingFeatures } from '../ring/features.ts';
import type { SplitRing } from '../ring/split-layout.ts';
import { type ElementArrays, ElementList } from './element-list.ts';
import { type HeadQueue, type QueueState, Request } from './queue.ts';
import { NO_HEAD, notTaken } from './split-host-queue.ts';
import { checkPairs } from './vringh.ts';

export interface WasmVringhOptions {
  /** Its parts lie in one shared memory (`allocateShared`), as guest memory and the private area do. */
  ring: SplitRing;
  /** What the engine keeps for itself: `WasmVringh.privateBytes` at least, outside every region, for this queue alone. */
  privateArea: PrivateArea;
  features: RingFeatures;
  memory: GuestMemory;
  /** As for `Vringh`. */
  state?: QueueState;
  /** Named in errors. */
  name?: string;
  /** Binds a module that has the engine compiled into it. Default: the engine alone. */
  bind?: (memory: SharedMemory) => HostEngineExports;
}

/** What the module exports that a queue is made over. */
export interface HostEngineExports {
  setRing(size: number, ...addresses: ReturnType<typeof ringAddresses>): void;
  setUp(words: number, inFlight: number, taken: number, completedHeads: number): void;
  setReader(
    regions: number,
    regionCount: number,
    readable: number,
    writable: number,
    capacity: number,
    scratch: number,
    indirect: number,
  ): void;
  setRegion(number: number, start: bigint, end: bigint, at: number): void;
  start(availIdx: number, usedIdx: number, eventIdx: number, takenOver: number): void;
  next(): number;
  takeHead(): number;
  read(head: number, noReadable: number, noWritable: number): number;
  completeHead(head: number, writtenBytes: number): number;
  putUsed(head: number, writtenBytes: number): number;
  claim(head: number): number;
  unclaim(head: number): void;
  writeUsed(head: number, writtenBytes: number): void;
  isTaken(head: number): number;
  publish(): void;
  rewind(count: number): number;
  needsCall(): number;
  disableKicks(): void;
  enableKicks(): number;
  look(): number;
  hasAvailable(): number;
  inFlightNow(): number;
  nextAvailIdx(): number;
  nextUsedIdx(): number;
}

const MODULE = new URL('./split-host-queue.wasm', import.meta.url);

/** Bytes of an element in a list, and of a region in the engine's table. */
const ELEMENT_BYTES = 10;
const REGION_BYTES = 24;

/** Each piece of the private area, bytes. Every element may be cut where each region ends. */
const piecesOf = (size: number, regionCount: number) => ({
  words: ENGINE_WORDS_SIZE,
  inFlight: size,
  taken: 2 * size,
  completedHeads: 2 * size,
  regions: REGION_BYTES * regionCount,
  readable: ELEMENT_BYTES * size * regionCount,
  writable: ELEMENT_BYTES * size * regionCount,
  scratch: VRING_DESC_SIZE * size,
});

export class WasmVringh implements HeadQueue {
  readonly size: number;
  readonly name: string;
  /** A request whose lists the engine fills in place; those of any other are filled by copying. */
  readonly request: Request;

  private readonly words: EngineWords;
  private readonly results: Uint32Array;
  /** What the engine fills. */
  private readonly readable: ElementArrays;
  private readonly writable: ElementArrays;
  private broken: RingError | null = null;

  // The hot exports one by one: called as fields, so that the engine can compile the calls into their callers.
  private readonly wasm: HostEngineExports;
  private readonly wasmNext: HostEngineExports['next'];
  private readonly wasmTakeHead: HostEngineExports['takeHead'];
  private readonly wasmCompleteHead: HostEngineExports['completeHead'];

  /** @throws TypeError, RangeError if ring, guest memory and private area are not in one memory, each in its place. */
  constructor(options: WasmVringhOptions) {
    const { ring, privateArea, features, memory, state = { availIdx: 0, usedIdx: 0 } } = options;
    const { size } = ring;
    const { regions } = memory;
    ring.checkFeatures(features);
    privateArea.checkApart([...regionsOf(ring), ...regions]);
    this.size = size;
    this.name = options.name ?? 'host queue';

    const pieces = piecesOf(size, regions.length);
    const words = privateArea.take(pieces.words);
    this.words = new EngineWords(privateArea.memory, words, pieces.words);
    this.results = this.words.u32;
    this.wasm = options.bind?.(privateArea.memory) ?? bindModule<HostEngineExports>(MODULE, privateArea.memory);
    this.wasm.setRing(size, ...ringAddresses(ring));
    this.wasm.setUp(
      words,
      privateArea.take(pieces.inFlight),
      privateArea.take(pieces.taken),
      privateArea.take(pieces.completedHeads),
    );
    const table = privateArea.take(pieces.regions);
    const readable = privateArea.take(pieces.readable);
    const writable = privateArea.take(pieces.writable);
    const scratch = privateArea.take(pieces.scratch);
    const capacity = size * regions.length;
    this.wasm.setReader(table, regions.length, readable, writable, capacity, scratch, features.indirect ? 1 : 0);
    for (const [number, { guestBase, sizeBytes, byteOffset }] of regions.entries())
      this.wasm.setRegion(number, BigInt(guestBase), BigInt(guestBase + sizeBytes), byteOffset);
    const { buffer } = privateArea.memory;
    const arraysAt = (at: number): ElementArrays => ({
      offsets: new Uint32Array(buffer, at, capacity),
      lengths: new Uint32Array(buffer, at + 4 * capacity, capacity),
      regions: new Uint16Array(buffer, at + 8 * capacity, capacity),
    });
    this.readable = arraysAt(readable);
    this.writable = arraysAt(writable);
    this.request = new Request(memory, new ElementList(memory, this.readable), new ElementList(memory, this.writable));
    this.wasm.start(state.availIdx, state.usedIdx, features.eventIdx ? 1 : 0, options.state === undefined ? 0 : 1);
    this.wasmNext = this.wasm.next;
    this.wasmTakeHead = this.wasm.takeHead;
    this.wasmCompleteHead = this.wasm.completeHead;
  }

  /** What a queue of `size` descriptors over so many regions needs for itself, bytes. */
  static privateBytes(size: number, regionCount = 1): number {
    return PrivateArea.sizeOf(Object.values(piecesOf(size, regionCount)));
  }

  /** The head taken last, also of a request that then turned out broken; the queue size if there was none to take. */
  get lastHead(): number {
    return this.results[WORD_HEAD]!;
  }

  /** True once the guest broke a rule of the ring; every call that takes, completes or asks then throws the same error. */
  get isBroken(): boolean {
    return this.broken !== null;
  }

  next(request: Request): boolean {
    const { readable, writable } = request;
    readable.reset();
    writable.reset();
    request.head = this.size;
    this.checkTakable();
    const head = this.wasmNext();
    if (head < 0) return this.nextFailed(head, request);
    request.head = head;
    this.fill(readable, this.readable, this.results[WORD_READABLE]!);
    this.fill(writable, this.writable, this.results[WORD_WRITABLE]!);
    return true;
  }

  /** As `Vringh.getdesc`, but the lists of `request` begin anew, whatever they held. */
  getdesc(readable: ElementList | null, writable: ElementList | null): number {
    const head = this.takeHead();
    if (head === NO_HEAD) return head;
    const intact = this.wasm.read(head, readable === null ? 1 : 0, writable === null ? 1 : 0) !== 0;
    if (readable !== null) this.append(readable, this.readable, this.results[WORD_READABLE]!);
    if (writable !== null) this.append(writable, this.writable, this.results[WORD_WRITABLE]!);
    if (!intact) throw this.words.error(this.name);
    return head;
  }

  /** The next head, its chain unread, or NO_HEAD. @throws RingError, the ring then broken. */
  takeHead(): number {
    this.checkTakable();
    const head = this.wasmTakeHead();
    if (head === NONE) return NO_HEAD;
    if (head === RING_BROKE) throw this.breakQueue();
    return head;
  }

  complete(request: Request, writtenBytes: number): void {
    this.completeHead(request.head, writtenBytes);
  }

  completeDeferred(request: Request, writtenBytes: number): void {
    const { head } = request;
    if (this.broken !== null) throw this.broken;
    if (!areWords(head, writtenBytes) || this.wasm.putUsed(head, writtenBytes) === 0) this.refuse(head, writtenBytes);
  }

  /** `complete` by head alone. @throws RangeError if no request with that head is in flight. */
  completeHead(head: number, writtenBytes: number): void {
    if (this.broken !== null) throw this.broken;
    if (!areWords(head, writtenBytes) || this.wasmCompleteHead(head, writtenBytes) === 0)
      this.refuse(head, writtenBytes);
  }

  /** As `Vringh.completeMulti`. */
  completeMulti(used: Uint32Array, count: number): void {
    if (this.broken !== null) throw this.broken;
    checkPairs(used, count);
    for (let i = 0; i < count; i++) {
      if (this.wasm.claim(used[2 * i]!) !== 0) continue;
      for (let j = 0; j < i; j++) this.wasm.unclaim(used[2 * j]!);
      throw notTaken(used[2 * i]!);
    }
    for (let i = 0; i < count; i++) this.wasm.writeUsed(used[2 * i]!, used[2 * i + 1]!);
    this.publish();
  }

  publish(): void {
    this.wasm.publish();
  }

  /** @throws RangeError, nothing changed, if one of them was completed or never taken. */
  rewind(count: number): void {
    const inFlight = this.wasm.inFlightNow();
    if (!(Number.isInteger(count) && count >= 0 && count <= inFlight))
      throw new RangeError(`${count} requests handed back, but ${inFlight} are in flight`);
    const completed = this.wasm.rewind(count);
    if (completed !== 0) throw new RangeError(`the request taken ${completed} ago is completed already`);
  }

  needsCall(): boolean {
    if (this.broken !== null) throw this.broken;
    return this.wasm.needsCall() !== 0;
  }

  disableKicks(): void {
    this.wasm.disableKicks();
  }

  enableKicks(): boolean {
    if (this.broken !== null) throw this.broken;
    return this.wasm.enableKicks() !== 0;
  }

  look(): number {
    if (this.broken !== null) throw this.broken;
    const count = this.wasm.look();
    if (count < 0) throw this.breakQueue();
    return count;
  }

  hasAvailable(): boolean {
    return this.wasm.hasAvailable() !== 0;
  }

  state(leaveInFlight = false): QueueState {
    const inFlight = this.wasm.inFlightNow();
    if (inFlight !== 0 && !leaveInFlight) throw new RangeError(`${inFlight} requests are in flight`);
    return { availIdx: this.wasm.nextAvailIdx(), usedIdx: this.wasm.nextUsedIdx() };
  }

  /** The `count` elements that the engine read into `ours`, in the empty `list`: already there if that is its place. */
  private fill(list: ElementList, ours: ElementArrays, count: number): void {
    if (list.offsets === ours.offsets) list.count = count;
    else for (let i = 0; i < count; i++) list.append(ours.regions[i]!, ours.offsets[i]!, ours.lengths[i]!);
  }

  /** The same of a list that need not be empty. What the engine's own held is overwritten by now. */
  private append(list: ElementList, ours: ElementArrays, count: number): void {
    if (list.offsets === ours.offsets) list.reset();
    this.fill(list, ours, count);
  }

  /** @throws RingError on a broken ring, of which no head can be taken. */
  private checkTakable(): void {
    if (this.broken === null) return;
    this.results[WORD_HEAD] = this.size;
    throw this.broken;
  }

  private nextFailed(result: number, request: Request): boolean {
    if (result === NONE) return false;
    if (result !== REQUEST_BAD) throw this.breakQueue();
    request.head = this.lastHead;
    this.fill(request.readable, this.readable, this.results[WORD_READABLE]!);
    this.fill(request.writable, this.writable, this.results[WORD_WRITABLE]!);
    throw this.words.error(this.name);
  }

  /** Why the request taken last is bad, as the engine's words tell. */
  requestError(): RingError {
    return this.words.error(this.name);
  }

  /** The caller's mistake that a completion was. */
  private refuse(head: number, writtenBytes: number): never {
    if (head >>> 0 !== head || this.wasm.isTaken(head) === 0) throw notTaken(head);
    throw new RangeError(`a used length has 32 bits, unlike ${writtenBytes}`);
  }

  /** Notes that the ring broke, as the engine's words tell. */
  breakQueue(): RingError {
    this.broken = this.words.error(this.name);
    return this.broken;
  }
}

/** Both fit in 32 bits, as the engine takes them. */
const areWords = (head: number, writtenBytes: number) => head >>> 0 === head && writtenBytes >>> 0 === writtenBytes;
