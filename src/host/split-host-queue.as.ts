/**
 * The device side of a split virtqueue for the Wasm engine: `split-host-queue.ts` in AssemblyScript, method by method
 * under the same names, with the same checks. Host thread only; one instance a queue.
 *
 * Its scalars are globals of the instance; its arrays lie in private pages of the shared memory, behind every region.
 * Shared fields are atomics, all sequentially consistent: a load here already comes after the stores before it, so
 * none of the fences of the TypeScript has an instruction. `WasmVringh` throws, and keeps callers honest.
 */
import { VRING_AVAIL_F_NO_INTERRUPT, VRING_USED_F_NO_NOTIFY } from '../ring/constants';
import { NONE, REQUEST_BAD, RING_BROKE, WORD_HEAD } from '../ring/engine-words';
import { fail, setWords, wordAt } from '../ring/engine-words.as';
import {
  AVAIL_HEAD_IN_FLIGHT,
  AVAIL_HEAD_OUT_OF_RANGE,
  AVAIL_INDEX_JUMP,
  TOO_MANY_IN_FLIGHT,
} from '../ring/error-numbers';
import { needEvent } from '../ring/event.as';
import {
  availEventAt,
  availFlagsAt,
  availIdxAt,
  availRing,
  mask,
  size,
  usedEventAt,
  usedFlagsAt,
  usedIdxAt,
  usedRing,
} from '../ring/split-layout.as';
import { read } from './chain-reader.as';

export { setRing } from '../ring/split-layout.as';
export { read, setReader, setRegion } from './chain-reader.as';

/** So many completions at most can be compared with an event; after more the guest is called anyway. */
const COMPLETED_MAX: u32 = 0xffff;

/** Where the request of a head is. */
const FREE: u32 = 0;
const TAKEN: u32 = 1;
const COMPLETED: u32 = 2;

let eventIdx: bool = false;
let lastAvailIdx: u32 = 0;
/** The guest's available index when it was read last: read again only when that many are taken. */
let seenAvailIdx: u32 = 0;
let usedIdx: u32 = 0;
let publishedIdx: u32 = 0;
/** Completions published since the guest's wish was looked at last. */
let completed: u32 = 0;
/** By head, a byte: FREE, or with the host, or completed but not published. */
let inFlight: usize = 0;
/** By position, 16 bits: the heads taken, and those completed. */
let taken: usize = 0;
let completedHeads: usize = 0;
let inFlightCount: u32 = 0;
let kicksDisabled: bool = false;

/** The private area, after `setRing`. */
export function setUp(words: usize, inFlightAt: usize, takenAt: usize, completedAt: usize): void {
  setWords(words);
  store<u32>(wordAt(WORD_HEAD), size);
  inFlight = inFlightAt;
  taken = takenAt;
  completedHeads = completedAt;
}

/** @param takenOver the ring had another host before: where it stood. */
export function start(availIdx: u32, startUsedIdx: u32, withEventIdx: bool, takenOver: bool): void {
  eventIdx = withEventIdx;
  lastAvailIdx = availIdx;
  seenAvailIdx = availIdx;
  usedIdx = startUsedIdx;
  publishedIdx = startUsedIdx;
  if (!takenOver) return;
  // Nobody knows what our predecessor asked for, or whether it called: kicks on, and the guest called once.
  atomic.store<u16>(usedFlagsAt, 0);
  if (eventIdx) atomic.store<u16>(availEventAt, availIdx);
  completed = COMPLETED_MAX + 1;
}

/** Takes the next request and reads its chain: its head, NONE, RING_BROKE or REQUEST_BAD. */
export function next(): i32 {
  const head = takeHead();
  if (head < 0) return head;
  return read(head, false, false) ? head : REQUEST_BAD;
}

/** How many may be taken, or RING_BROKE. */
export function look(): i32 {
  return refreshAvail() === RING_BROKE ? RING_BROKE : (seenAvailIdx - lastAvailIdx) & 0xffff;
}

/** The next head, its chain unread, NONE, or RING_BROKE. */
export function takeHead(): i32 {
  store<u32>(wordAt(WORD_HEAD), size);
  if (lastAvailIdx === seenAvailIdx) {
    const result = refreshAvail();
    if (result !== 0) return result;
  }
  const at = lastAvailIdx & mask;
  const head = <u32>load<u16>(availRing + (at << 1));
  if (head >= size) return fail(AVAIL_HEAD_OUT_OF_RANGE, lastAvailIdx, head, RING_BROKE);
  if (load<u8>(inFlight + head) !== FREE) return fail(AVAIL_HEAD_IN_FLIGHT, lastAvailIdx, head, RING_BROKE);
  store<u16>(taken + (at << 1), head);
  store<u8>(inFlight + head, TAKEN);
  inFlightCount++;
  lastAvailIdx = (lastAvailIdx + 1) & 0xffff;
  store<u32>(wordAt(WORD_HEAD), head);
  return head;
}

/** `putUsed` and `publish`. False: no request with that head is to be completed. */
export function completeHead(head: u32, writtenBytes: u32): bool {
  if (usedIdx !== publishedIdx) {
    if (!putUsed(head, writtenBytes)) return false;
    publish();
    return true;
  }
  // The same with nothing deferred, in fewer steps.
  if (!isTaken(head)) return false;
  store<u8>(inFlight + head, FREE);
  store<u64>(usedRing + ((usedIdx & mask) << 3), <u64>head | ((<u64>writtenBytes) << 32));
  usedIdx = (usedIdx + 1) & 0xffff;
  publishedIdx = usedIdx;
  inFlightCount--;
  completed++;
  // B release: used elements and the bytes written first. Pairs with B acquire, SplitVirtqueue.refreshUsed.
  atomic.store<u16>(usedIdxAt, usedIdx);
  return true;
}

export function putUsed(head: u32, writtenBytes: u32): bool {
  if (!claim(head)) return false;
  writeUsed(head, writtenBytes);
  return true;
}

/** From taken to completed: false, nothing changed, if it is not taken. `writeUsed` follows, or `unclaim`. */
export function claim(head: u32): bool {
  if (!isTaken(head)) return false;
  store<u8>(inFlight + head, COMPLETED);
  return true;
}

export function unclaim(head: u32): void {
  store<u8>(inFlight + head, TAKEN);
}

/** The next used entry, of a head that was claimed. */
export function writeUsed(head: u32, writtenBytes: u32): void {
  const at = usedIdx & mask;
  store<u16>(completedHeads + (at << 1), head);
  store<u64>(usedRing + (at << 3), <u64>head | ((<u64>writtenBytes) << 32));
  usedIdx = (usedIdx + 1) & 0xffff;
}

export function isTaken(head: u32): bool {
  return head < size && load<u8>(inFlight + head) === TAKEN;
}

export function publish(): void {
  const count = (usedIdx - publishedIdx) & 0xffff;
  if (count === 0) return;
  for (let idx = publishedIdx; idx !== usedIdx; idx = (idx + 1) & 0xffff)
    store<u8>(inFlight + <u32>load<u16>(completedHeads + ((idx & mask) << 1)), FREE);
  inFlightCount -= count;
  publishedIdx = usedIdx;
  completed += count;
  // B release: used elements and the bytes written first. Pairs with B acquire, SplitVirtqueue.refreshUsed.
  atomic.store<u16>(usedIdxAt, usedIdx);
}

/** Returns 0, or with nothing changed which of the requests, counted back from the last, is completed already. */
export function rewind(count: u32): u32 {
  for (let i: u32 = 1; i <= count; i++) {
    const head = takenBefore(i);
    // Newest first: a head that is no longer TAKEN was completed since, or stands twice and was handed back just now.
    if (load<u8>(inFlight + head) !== TAKEN) {
      for (let j: u32 = 1; j < i; j++) store<u8>(inFlight + takenBefore(j), TAKEN);
      return i;
    }
    store<u8>(inFlight + head, FREE);
  }
  inFlightCount -= count;
  lastAvailIdx = (lastAvailIdx - count) & 0xffff;
  return 0;
}

export function needsCall(): bool {
  const count = completed;
  if (count === 0) return false;
  completed = 0;
  // D full: our index, then their wish. Pairs with D full, SplitVirtqueue.poll, .enableCallsDelayed, .requestCallAt.
  if (!eventIdx) return (atomic.load<u16>(availFlagsAt) & VRING_AVAIL_F_NO_INTERRUPT) === 0;
  if (count > COMPLETED_MAX) return true;
  const event = atomic.load<u16>(usedEventAt);
  return needEvent(event, publishedIdx, (publishedIdx - count) & 0xffff);
}

export function disableKicks(): void {
  if (kicksDisabled) return;
  kicksDisabled = true;
  // With EVENT_IDX avail_event just stays behind: the guest kicks when its index passes it, once in 65,536.
  if (!eventIdx) atomic.store<u16>(usedFlagsAt, VRING_USED_F_NO_NOTIFY);
}

export function enableKicks(): bool {
  if (eventIdx) atomic.store<u16>(availEventAt, lastAvailIdx);
  else atomic.store<u16>(usedFlagsAt, 0);
  kicksDisabled = false;
  // C full: our wish, then their index. Pairs with C full, SplitVirtqueue.kickPrepare.
  // Without that order both sides read stale values, and we sleep on work.
  return atomic.load<u16>(availIdxAt) === lastAvailIdx;
}

export function hasAvailable(): bool {
  // A acquire: their index, before its entries. Pairs with A release, SplitVirtqueue.publish.
  return atomic.load<u16>(availIdxAt) !== lastAvailIdx;
}

export function inFlightNow(): u32 {
  return inFlightCount;
}

export function nextAvailIdx(): u32 {
  return lastAvailIdx;
}

export function nextUsedIdx(): u32 {
  return publishedIdx;
}

/** Reads the guest's index. 0: there is something to take; else NONE or RING_BROKE. */
function refreshAvail(): i32 {
  // A acquire: their index, before entries and descriptors. Pairs with A release, SplitVirtqueue.publish.
  const seen = <u32>atomic.load<u16>(availIdxAt);
  if (seen === lastAvailIdx) return NONE;
  const added = (seen - lastAvailIdx) & 0xffff;
  if (added > size) return fail(AVAIL_INDEX_JUMP, lastAvailIdx, seen, RING_BROKE);
  if (added + inFlightCount > size) return fail(TOO_MANY_IN_FLIGHT, lastAvailIdx, added + inFlightCount, RING_BROKE);
  seenAvailIdx = seen;
  return 0;
}

/** The head of the request taken `count` requests ago, 1 for the last. */
function takenBefore(count: u32): u32 {
  return load<u16>(taken + (((lastAvailIdx - count) & mask) << 1));
}
