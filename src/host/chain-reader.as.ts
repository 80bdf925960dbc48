/**
 * The reader of descriptor chains for the Wasm engine: `chain-reader.ts` in AssemblyScript, under vringh's policy and
 * with whole regions as ranges. Host thread only.
 *
 * It reads each field of a descriptor once, checks the value, translates, and fills the two lists of the private area.
 */
import { VRING_DESC_F_INDIRECT, VRING_DESC_F_NEXT, VRING_DESC_F_WRITE, VRING_DESC_SIZE } from '../ring/constants';
import { REQUEST_BAD, WORD_READABLE, WORD_WRITABLE } from '../ring/engine-words';
import { fail, wordAt } from '../ring/engine-words.as';
import {
  ADDRESS_OUTSIDE_MEMORY,
  CHAIN_TOO_LONG,
  DESCRIPTOR_LOOP,
  INDIRECT_NESTED,
  INDIRECT_NOT_NEGOTIATED,
  INDIRECT_TABLE_SIZE,
  NEXT_OUT_OF_RANGE,
  READABLE_AFTER_WRITABLE,
  REQUEST_TOO_LONG,
  UNEXPECTED_READABLE,
  UNEXPECTED_WRITABLE,
} from '../ring/error-numbers';
import { desc, size } from '../ring/split-layout.as';

/** Longest request, all its elements together, bytes [virtio-v1.2 §2.7.5.2]. */
const REQUEST_SIZE_MAX: u64 = (<u64>1) << 32;

/** Each region, in ascending order, 24 bytes: first guest address, the one behind the last, place in the memory. */
const REGION_BYTES: u32 = 24;
const REGION_END: usize = 8;
const REGION_AT: usize = 16;
let regions: usize = 0;
let regionCount: u32 = 0;

/** Each list: `capacity` offsets and lengths, 32 bits, then region numbers, 16 bits. */
let readable: usize = 0;
let writable: usize = 0;
let capacity: u32 = 0;
/** Room for a table of `size` descriptors that is cut by the end of a region. */
let scratch: usize = 0;

let indirect: bool = false;

/** The region found last: its guest addresses, number, and place in the memory. Kept from request to request. */
let rangeStart: u64 = 0;
let rangeEnd: u64 = 0;
let rangeRegion: u32 = 0;
let rangeAt: usize = 0;

/** Elements of the request read last. */
export let readableCount: u32 = 0;
export let writableCount: u32 = 0;
let refusesReadable: bool = false;
let refusesWritable: bool = false;
let sawWritable: bool = false;
let totalBytes: u64 = 0;
let elementCount: u32 = 0;

export function setReader(
  regionsAt: usize,
  count: u32,
  readableAt: usize,
  writableAt: usize,
  listCapacity: u32,
  scratchAt: usize,
  withIndirect: bool,
): void {
  regions = regionsAt;
  regionCount = count;
  readable = readableAt;
  writable = writableAt;
  capacity = listCapacity;
  scratch = scratchAt;
  indirect = withIndirect;
}

/** Enters region number `number` into the table. */
export function setRegion(number: u32, start: u64, end: u64, at: usize): void {
  const entry = regions + number * REGION_BYTES;
  store<u64>(entry, start);
  store<u64>(entry, end, REGION_END);
  store<usize>(entry, at, REGION_AT);
}

/**
 * Reads the chain from `head` (< size) into the lists, emptied first; an element of a kind refused is an error. True,
 * or false with the error noted. The words say how many elements there are, also of what was read before an error.
 */
export function read(head: u32, noReadable: bool, noWritable: bool): bool {
  refusesReadable = noReadable;
  refusesWritable = noWritable;
  readableCount = 0;
  writableCount = 0;
  sawWritable = false;
  totalBytes = 0;
  elementCount = 0;
  const done = readChain(head);
  store<u32>(wordAt(WORD_READABLE), readableCount);
  store<u32>(wordAt(WORD_WRITABLE), writableCount);
  return done;
}

/** The lists as if a request had been read: `outCount` elements to read at `readableAt`, `inCount` to write at `writableAt`. */
export function showLists(readableAt: usize, outCount: u32, writableAt: usize, inCount: u32): void {
  readable = readableAt;
  readableCount = outCount;
  writable = writableAt;
  writableCount = inCount;
}

/** Element number `i` of a list: its length, and where it lies in the memory. */
export function readableLength(i: u32): u32 {
  return lengthOf(readable, i);
}

export function readablePlace(i: u32): usize {
  return placeOf(readable, i);
}

export function writableLength(i: u32): u32 {
  return lengthOf(writable, i);
}

export function writablePlace(i: u32): usize {
  return placeOf(writable, i);
}

function lengthOf(list: usize, i: u32): u32 {
  return load<u32>(list + ((capacity + i) << 2));
}

function placeOf(list: usize, i: u32): usize {
  const region = <u32>load<u16>(list + (capacity << 3) + (i << 1));
  return load<usize>(regions + region * REGION_BYTES, REGION_AT) + load<u32>(list + (i << 2));
}

function readChain(head: u32): bool {
  let index = head;
  // Every direct descriptor counts, those that refer to tables too: a chain longer than the table loops.
  for (let steps: u32 = 0; steps < size; steps++) {
    const at = desc + (index << 4);
    const lengthFlags = load<u64>(at, 8);
    const flagsNext = <u32>(lengthFlags >> 32);
    const address = load<u64>(at);
    const length = <u32>lengthFlags;
    if (flagsNext & VRING_DESC_F_INDIRECT) {
      if (!readIndirect(index, address, length, flagsNext)) return false;
    } else if (!element(address, length, index, flagsNext)) return false;
    if ((flagsNext & VRING_DESC_F_NEXT) === 0) return true;
    const next = flagsNext >> 16;
    if (next >= size) return refuse(NEXT_OUT_OF_RANGE, index, next);
    index = next;
  }
  return refuse(DESCRIPTOR_LOOP, head, index);
}

/** Reads the table that direct descriptor `index` refers to. WRITE on it is ignored [§2.7.5.3.2]. */
function readIndirect(index: u32, address: u64, length: u32, flagsNext: u32): bool {
  if (!indirect) return refuse(INDIRECT_NOT_NEGOTIATED, index, flagsNext & 0xffff);
  const count = length >> 4;
  if (count === 0 || count > size || count * VRING_DESC_SIZE !== length)
    return refuse(INDIRECT_TABLE_SIZE, index, length);
  const table = openTable(index, address, length);
  if (table === 0) return false;
  let entry: u32 = 0;
  for (let entries: u32 = 0; entries < count; entries++) {
    const at = table + (entry << 4);
    const lengthFlags = load<u64>(at, 8);
    const entryFlags = <u32>(lengthFlags >> 32);
    if (entryFlags & VRING_DESC_F_INDIRECT) return refuse(INDIRECT_NESTED, entry, entryFlags & 0xffff);
    if (!element(load<u64>(at), <u32>lengthFlags, entry, entryFlags)) return false;
    if ((entryFlags & VRING_DESC_F_NEXT) === 0) return true;
    const next = entryFlags >> 16;
    if (next >= count) return refuse(NEXT_OUT_OF_RANGE, entry, next);
    entry = next;
  }
  return refuse(DESCRIPTOR_LOOP, index, entry);
}

/** Where a table lies if it can be read there, else a copy of it; 0: it leaves memory. */
function openTable(index: u32, address: u64, length: u32): usize {
  if (!within(address) && !locate(index, address)) return 0;
  if (rangeEnd - address >= length) return rangeAt + <usize>(address - rangeStart);
  return copyTable(index, address, length);
}

/** Checks an element, its fields read already, and appends it, cut where regions end. */
function element(start: u64, length: u32, index: u32, flags: u32): bool {
  // Tables may be named again and again: together they are bounded too [virtio-v1.2 §2.7.5.3.1].
  if (++elementCount > size) return refuse(CHAIN_TOO_LONG, index, elementCount);
  const isWritable = (flags & VRING_DESC_F_WRITE) !== 0;
  if (isWritable) {
    sawWritable = true;
    if (refusesWritable) return refuse(UNEXPECTED_WRITABLE, index, length);
  } else {
    if (sawWritable) return refuse(READABLE_AFTER_WRITABLE, index, length);
    if (refusesReadable) return refuse(UNEXPECTED_READABLE, index, length);
  }
  if (length === 0) return true;
  totalBytes += length;
  if (totalBytes > REQUEST_SIZE_MAX) return refuse(REQUEST_TOO_LONG, index, <f64>totalBytes);
  let address = start;
  let left = <u64>length;
  while (left !== 0) {
    if (!within(address) && !locate(index, address)) return false;
    const part = min<u64>(left, rangeEnd - address);
    append(isWritable, <u32>(address - rangeStart), <u32>part);
    left -= part;
    address += part;
  }
  return true;
}

function append(isWritable: bool, offset: u32, length: u32): void {
  let list = readable;
  let at = readableCount;
  if (isWritable) {
    list = writable;
    at = writableCount;
    writableCount = at + 1;
  } else {
    readableCount = at + 1;
  }
  store<u32>(list + (at << 2), offset);
  store<u32>(list + ((capacity + at) << 2), length);
  store<u16>(list + (capacity << 3) + (at << 1), rangeRegion);
}

/** True if `address` lies in the region found last. */
function within(address: u64): bool {
  return address - rangeStart < rangeEnd - rangeStart;
}

/** Finds the region of `address`. */
function locate(index: u32, address: u64): bool {
  let low: i32 = 0;
  let high: i32 = regionCount - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const entry = regions + middle * REGION_BYTES;
    const start = load<u64>(entry);
    const end = load<u64>(entry, REGION_END);
    if (address < start) high = middle - 1;
    else if (address >= end) low = middle + 1;
    else {
      rangeStart = start;
      rangeEnd = end;
      rangeRegion = middle;
      rangeAt = load<usize>(entry, REGION_AT);
      return true;
    }
  }
  return refuse(ADDRESS_OUTSIDE_MEMORY, index, <f64>address);
}

/** Copies a table piece by piece, once, so that what is checked is what is used. 0: it leaves memory. */
function copyTable(index: u32, address: u64, length: u32): usize {
  let done: u64 = 0;
  while (done < length) {
    const from = address + done;
    if (!within(from) && !locate(index, from)) return 0;
    const part = min<u64>(<u64>length - done, rangeEnd - from);
    memory.copy(scratch + <usize>done, rangeAt + <usize>(from - rangeStart), <usize>part);
    done += part;
  }
  return scratch;
}

function refuse(error: u32, index: u32, value: f64): bool {
  fail(error, index, value, REQUEST_BAD);
  return false;
}
