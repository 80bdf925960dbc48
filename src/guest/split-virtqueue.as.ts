/**
 * The driver side of a split virtqueue for the Wasm engine: `split-virtqueue.ts` in AssemblyScript, method by method
 * under the same names, with the same checks. Guest thread only; one instance a queue.
 *
 * Its scalars are globals of the instance; its arrays lie in private pages of the shared memory, behind every region.
 * Shared fields are atomics, all sequentially consistent: a load here already comes after the stores before it, so
 * none of the fences of the TypeScript has an instruction. `WasmVirtqueue` rings, throws, and keeps callers honest.
 */
import {
  VRING_AVAIL_F_NO_INTERRUPT,
  VRING_DESC_F_INDIRECT,
  VRING_DESC_F_NEXT,
  VRING_DESC_F_WRITE,
  VRING_DESC_SIZE,
  VRING_USED_F_NO_NOTIFY,
} from '../ring/constants';
import {
  ADDED,
  NONE,
  RING_BROKE,
  RING_ONCE,
  RING_TWICE,
  WORD_CLAIMED_LENGTH,
  WORD_CLAMPED,
  WORD_USED_LENGTH,
} from '../ring/engine-words';
import { fail, setWords, wordAt } from '../ring/engine-words.as';
import { USED_ID_NOT_OUTSTANDING, USED_ID_OUT_OF_RANGE, USED_INDEX_JUMP } from '../ring/error-numbers';
import { needEvent } from '../ring/event.as';
import {
  availEventAt,
  availFlagsAt,
  availIdxAt,
  availRing,
  desc,
  mask,
  size,
  usedEventAt,
  usedFlagsAt,
  usedIdxAt,
  usedRing,
} from '../ring/split-layout.as';

export { setRing } from '../ring/split-layout.as';

/** So many adds without a kick and the queue kicks by itself: event arithmetic is 16 bits wide. */
const ADDS_UNKICKED_MAX: u32 = 0xffff;
/** No token, no table. */
const EMPTY: i32 = -1;
const NO_TABLE: i32 = -1;

/**
 * What is kept by head, 16 bytes: token or EMPTY; writable bytes; indirect table or NO_TABLE; last descriptor and
 * number of descriptors, 16 bits each.
 */
const HEAD_SHIFT: u32 = 4;
const WRITABLE: usize = 4;
const TABLE: usize = 8;
const LAST: usize = 12;
const COUNT: usize = 14;

let eventIdx: bool = false;
let heads: usize = 0;
/** Private chain of descriptors, 16 bits each, and of free ones from `freeHead`. */
let nextOf: usize = 0;
let freeHead: u32 = 0;
let freeCount: u32 = 0;

/**
 * Two scatter lists: the queue's own, whose elements all lie in one region, and a copy of anybody else's. Each has
 * `size` offsets and `size` lengths, 32 bits; then guest bases, 64 bits: one of all, or one of each.
 */
let ownList: usize = 0;
let copiedList: usize = 0;

/** Indirect tables: where they lie, for us and for the host, and those that are free. */
let tables: usize = 0;
let tablesAddress: u64 = 0;
let tableLength: u32 = 0;
let tableBytes: u32 = 0;
let freeTables: usize = 0;
let freeTableCount: u32 = 0;

let availIdx: u32 = 0;
let publishedIdx: u32 = 0;
let addsUnkicked: u32 = 0;
let lastUsedIdx: u32 = 0;
/** The host's used index when it was read last: read again only when that many are taken. */
let seenUsedIdx: u32 = 0;
let callsEnabled: bool = true;
let callAhead: u32 = 0;

/** The private area, after `setRing`: its words, then what is kept by head, the chain, both lists. */
export function setUp(wordsAt: usize, headsAt: usize, nextAt: usize, ownAt: usize, copiedAt: usize, base: u64): void {
  setWords(wordsAt);
  store<u32>(wordAt(WORD_CLAMPED), 0);
  heads = headsAt;
  nextOf = nextAt;
  ownList = ownAt;
  copiedList = copiedAt;
  store<u64>(basesOf(ownAt), base);
  for (let i: u32 = 0; i < size; i++) {
    store<u16>(nextOf + (i << 1), i + 1);
    store<i32>(heads + (i << HEAD_SHIFT), EMPTY);
    store<i32>(heads + (i << HEAD_SHIFT), NO_TABLE, TABLE);
  }
  freeCount = size;
}

export function setTables(at: usize, address: u64, length: u32, count: u32, freeAt: usize): void {
  tables = at;
  tablesAddress = address;
  tableLength = length;
  tableBytes = length * VRING_DESC_SIZE;
  freeTables = freeAt;
  freeTableCount = count;
  for (let i: u32 = 0; i < count; i++) store<u32>(freeTables + (i << 2), count - 1 - i);
}

export function start(startIndex: u32, fresh: bool, withEventIdx: bool): void {
  eventIdx = withEventIdx;
  availIdx = startIndex;
  publishedIdx = startIndex;
  lastUsedIdx = startIndex;
  seenUsedIdx = startIndex;
  // Flags and events of an earlier user would be taken for ours: set up [virtio-v1.2 §2.7.7.1, §2.7.10.1].
  atomic.store<u16>(availFlagsAt, 0);
  atomic.store<u16>(usedFlagsAt, 0);
  if (eventIdx) atomic.store<u16>(usedEventAt, startIndex);
  if (!fresh) return;
  atomic.store<u16>(availIdxAt, 0);
  atomic.store<u16>(usedIdxAt, 0);
  if (eventIdx) atomic.store<u16>(availEventAt, 0);
}

/** Element number `i` of the queue's own list, in that list's region: returns the next number. */
export function setElement(i: u32, offset: u32, length: u32): u32 {
  store<u32>(ownList + (i << 2), offset);
  store<u32>(ownList + ((size + i) << 2), length);
  return i + 1;
}

/** Bytes of the elements of the queue's own list from number `first` to `end`. */
export function bytesOf(first: u32, end: u32): u32 {
  let bytes: u32 = 0;
  for (let i = first; i < end; i++) bytes += load<u32>(ownList + ((size + i) << 2));
  return bytes;
}

/** The used length of the request taken back last, uncut. */
export function claimedLength(): u32 {
  return load<u32>(wordAt(WORD_CLAIMED_LENGTH));
}

export function freeDescriptors(): u32 {
  return freeCount;
}

export function freeTablesNow(): u32 {
  return freeTableCount;
}

/** Returns bits: ADDED, and whether to ring. The list holds `outCount + inCount` elements, 1 to `size` together. */
export function add(outCount: u32, inCount: u32, token: i32, copied: bool): i32 {
  let result = addDeferred(outCount, inCount, token, copied);
  if ((result & ADDED) === 0) return result;
  publish();
  if (addsUnkicked === ADDS_UNKICKED_MAX && kickPrepare()) result |= RING_ONCE;
  return result;
}

export function addDeferred(outCount: u32, inCount: u32, token: i32, copied: bool): i32 {
  let rings = 0;
  if (addsUnkicked === ADDS_UNKICKED_MAX) {
    publish();
    if (kickPrepare()) rings = 1;
  }
  const count = outCount + inCount;
  const list = copied ? copiedList : ownList;
  // Of one region or of each element its own.
  const baseStep: u32 = copied ? 8 : 0;
  const head = freeHead;
  const table = takeTable(count);
  if (table !== NO_TABLE) {
    addIndirect(head, table, list, baseStep, outCount, count);
  } else if (count <= freeCount) {
    addDirect(head, list, baseStep, outCount, count);
  } else {
    publish();
    // Historical: a driver that cannot send makes the host take what it has already, asked for or not.
    if (outCount !== 0 || (addsUnkicked !== 0 && kickPrepare())) rings++;
    return rings === 0 ? 0 : rings === 1 ? RING_ONCE : RING_ONCE | RING_TWICE;
  }
  store<i32>(heads + (head << HEAD_SHIFT), token);
  store<u16>(availRing + ((availIdx & mask) << 1), head);
  availIdx = (availIdx + 1) & 0xffff;
  addsUnkicked++;
  return rings === 0 ? ADDED : ADDED | RING_ONCE;
}

export function publish(): void {
  if (publishedIdx === availIdx) return;
  publishedIdx = availIdx;
  // A release: descriptors and ring entries first. Pairs with A acquire, SplitHostQueue.refreshAvail.
  atomic.store<u16>(availIdxAt, availIdx);
}

/** `publish` and `kickPrepare` in one call. */
export function publishAndAsk(): bool {
  publish();
  return kickPrepare();
}

/** True if the host must be kicked for what was published since the last call. */
export function kickPrepare(): bool {
  const next = publishedIdx;
  const previous = (availIdx - addsUnkicked) & 0xffff;
  addsUnkicked = (availIdx - next) & 0xffff;
  // C full: our index, then their wish. Pairs with C full, SplitHostQueue.enableKicks.
  // Without that order both sides read stale values, and the host sleeps on work.
  return eventIdx
    ? needEvent(atomic.load<u16>(availEventAt), next, previous)
    : (atomic.load<u16>(usedFlagsAt) & VRING_USED_F_NO_NOTIFY) === 0;
}

/** How many may be taken back, or RING_BROKE. */
export function look(): i32 {
  return refreshUsed() === RING_BROKE ? RING_BROKE : (seenUsedIdx - lastUsedIdx) & 0xffff;
}

/** A token, NONE, or RING_BROKE. */
export function getBuf(): i32 {
  if (lastUsedIdx === seenUsedIdx) {
    const result = refreshUsed();
    if (result !== 0) return result;
  }
  const at = usedRing + ((lastUsedIdx & mask) << 3);
  const head = load<u32>(at);
  const length = load<u32>(at, 4);
  if (head >= size) return fail(USED_ID_OUT_OF_RANGE, lastUsedIdx, head, RING_BROKE);
  const entry = heads + (head << HEAD_SHIFT);
  const token = load<i32>(entry);
  if (token === EMPTY) return fail(USED_ID_NOT_OUTSTANDING, lastUsedIdx, head, RING_BROKE);
  const writable = load<u32>(entry, WRITABLE);
  store<u32>(wordAt(WORD_USED_LENGTH), min(length, writable));
  store<u32>(wordAt(WORD_CLAIMED_LENGTH), length);
  // A used length larger than the request: breaking the queue would break devices that lie in practice.
  if (length > writable) store<u32>(wordAt(WORD_CLAMPED), load<u32>(wordAt(WORD_CLAMPED)) + 1);
  release(head);
  lastUsedIdx = (lastUsedIdx + 1) & 0xffff;
  if (eventIdx && callsEnabled) requestCallAt(lastUsedIdx);
  else if (callAhead !== 0) callAhead--;
  return token;
}

export function callDue(): bool {
  // B acquire: their index, before its elements. Pairs with B release, SplitHostQueue.publish.
  return ((<u32>atomic.load<u16>(usedIdxAt) - lastUsedIdx) & 0xffff) > callAhead;
}

export function disableCalls(): void {
  if (!callsEnabled) return;
  callsEnabled = false;
  // With EVENT_IDX used_event just stays where it is: the host calls when its index passes it, once in 65,536.
  if (!eventIdx) atomic.store<u16>(availFlagsAt, VRING_AVAIL_F_NO_INTERRUPT);
}

/** Asks for a call at the next completion. Returns what `poll` compares with. */
export function enableCallsPrepare(): u32 {
  requestCall(0);
  return lastUsedIdx;
}

export function poll(prepared: u32): bool {
  // D full: our wish (stored by enableCallsPrepare), then their index. Pairs with D full, SplitHostQueue.needsCall.
  return atomic.load<u16>(usedIdxAt) !== prepared;
}

export function enableCalls(): bool {
  return !poll(enableCallsPrepare());
}

export function enableCallsDelayed(): bool {
  const outstanding = (publishedIdx - lastUsedIdx) & 0xffff;
  requestCall((outstanding * 3) >> 2);
  // D full: our wish, then their index, read by callDue. Pairs with D full, SplitHostQueue.needsCall.
  return !callDue();
}

/** Takes back a request that the host has not finished: its token, or NONE. */
export function detachUnused(): i32 {
  for (let head: u32 = 0; head < size; head++) {
    const token = load<i32>(heads + (head << HEAD_SHIFT));
    if (token === EMPTY) continue;
    release(head);
    return token;
  }
  return NONE;
}

function basesOf(list: usize): usize {
  return list + (size << 3);
}

function takeTable(count: u32): i32 {
  if (freeTableCount === 0 || count === 1 || freeCount === 0 || count > tableLength) return NO_TABLE;
  freeTableCount--;
  return load<i32>(freeTables + (freeTableCount << 2));
}

function addDirect(head: u32, list: usize, baseStep: u32, outCount: u32, count: u32): void {
  const lengths = list + (size << 2);
  const bases = basesOf(list);
  const lastElement = count - 1;
  let writable: u64 = 0;
  let index = head;
  for (let i: u32 = 0; ; i++) {
    const length = load<u32>(lengths + (i << 2));
    const address = load<u64>(bases + i * baseStep) + load<u32>(list + (i << 2));
    let flagsNext: u32 = 0;
    if (i >= outCount) {
      flagsNext = VRING_DESC_F_WRITE;
      writable += length;
    }
    const at = desc + (index << 4);
    if (i === lastElement) {
      writeDescriptor(at, address, length, flagsNext);
      break;
    }
    const next = <u32>load<u16>(nextOf + (index << 1));
    writeDescriptor(at, address, length, flagsNext | VRING_DESC_F_NEXT | (next << 16));
    index = next;
  }
  take(head, index, count, writable);
}

function addIndirect(head: u32, table: u32, list: usize, baseStep: u32, outCount: u32, count: u32): void {
  const lengths = list + (size << 2);
  const bases = basesOf(list);
  const lastElement = count - 1;
  const tableOffset = table * tableBytes;
  let writable: u64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const length = load<u32>(lengths + (i << 2));
    const address = load<u64>(bases + i * baseStep) + load<u32>(list + (i << 2));
    let flagsNext: u32 = 0;
    if (i >= outCount) {
      flagsNext = VRING_DESC_F_WRITE;
      writable += length;
    }
    if (i < lastElement) flagsNext |= VRING_DESC_F_NEXT | ((i + 1) << 16);
    writeDescriptor(tables + tableOffset + (i << 4), address, length, flagsNext);
  }
  writeDescriptor(desc + (head << 4), tablesAddress + tableOffset, count << 4, VRING_DESC_F_INDIRECT);
  store<i32>(heads + (head << HEAD_SHIFT), table, TABLE);
  take(head, head, 1, writable);
}

function writeDescriptor(at: usize, address: u64, length: u32, flagsNext: u32): void {
  store<u64>(at, address);
  store<u64>(at, <u64>length | ((<u64>flagsNext) << 32), 8);
}

/** Removes `count` descriptors from `head` to `last` from the free chain. */
function take(head: u32, last: u32, count: u32, writable: u64): void {
  freeHead = load<u16>(nextOf + (last << 1));
  freeCount -= count;
  const entry = heads + (head << HEAD_SHIFT);
  store<u32>(entry, <u32>min<u64>(writable, 0xffffffff), WRITABLE);
  store<u16>(entry, last, LAST);
  store<u16>(entry, count, COUNT);
}

/** Puts the descriptors, and the table if any, of an outstanding request back. */
function release(head: u32): void {
  const entry = heads + (head << HEAD_SHIFT);
  store<i32>(entry, EMPTY);
  store<u16>(nextOf + ((<u32>load<u16>(entry, LAST)) << 1), freeHead);
  freeHead = head;
  freeCount += load<u16>(entry, COUNT);
  const table = load<i32>(entry, TABLE);
  if (table !== NO_TABLE) {
    store<i32>(entry, NO_TABLE, TABLE);
    store<i32>(freeTables + (freeTableCount << 2), table);
    freeTableCount++;
  }
}

/** Reads the host's index. 0: there is something to take; else NONE or RING_BROKE. */
function refreshUsed(): i32 {
  // B acquire: their index, before its elements. Pairs with B release, SplitHostQueue.publish.
  const seen = <u32>atomic.load<u16>(usedIdxAt);
  if (seen === lastUsedIdx) return NONE;
  const finished = (seen - lastUsedIdx) & 0xffff;
  const outstanding = (publishedIdx - lastUsedIdx) & 0xffff;
  if (finished > outstanding) return fail(USED_INDEX_JUMP, lastUsedIdx, seen, RING_BROKE);
  seenUsedIdx = seen;
  return 0;
}

/** Asks for a call once `ahead` more than the next request are finished; the caller looks again. */
function requestCall(ahead: u32): void {
  if (eventIdx) atomic.store<u16>(usedEventAt, (lastUsedIdx + ahead) & 0xffff);
  else if (!callsEnabled) atomic.store<u16>(availFlagsAt, 0);
  callsEnabled = true;
  callAhead = ahead;
}

function requestCallAt(index: u32): void {
  callAhead = 0;
  // D full: our wish, then their index, read by the next getBuf. Pairs with D full, SplitHostQueue.needsCall.
  atomic.store<u16>(usedEventAt, index);
}
