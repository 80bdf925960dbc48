/**
 * What the guest does with a transfer, by workload: `fill` writes its payload and describes it in the queue's own list,
 * `verify` looks at what came back. The same as in `bench/loops/js`, where a refusal is explained. AssemblyScript.
 */
import { setElement } from '../../../src/guest/split-virtqueue.as';
import { WORKLOAD_ALTERNATE, WORKLOAD_BULK, WORKLOAD_ECHO } from './loop-words';

const PAYLOAD_BYTES: u32 = 4;
/** What an in buffer holds until the host writes it. */
const UNWRITTEN: i32 = -1;
/** As in `bulk.ts`. */
const PATTERN_STEP: i32 = 0x9e3779b1;
const WORD_BYTES: u32 = 4;

let workload: i32 = 0;
/** Payloads: where slot 0 lies in the memory and in its region, and how far slots are apart, bytes. */
let memoryAt: usize = 0;
let regionAt: u32 = 0;
let slotBytes: u32 = 0;
/** What a transfer of workload bulk carries. */
let sizeBytes: u32 = 0;

/** Elements of the transfer that `fill` described: those that the host reads, and those that it writes. */
export let outCount: u32 = 0;
export let inCount: u32 = 0;

export function setWorkload(number: i32, payloadsAt: usize, offset: u32, bytes: u32, size: u32): void {
  workload = number;
  memoryAt = payloadsAt;
  regionAt = offset;
  slotBytes = bytes;
  sizeBytes = size;
}

export function fill(x: i32, slot: u32): void {
  const at = memoryAt + <usize>(slot * slotBytes);
  const offset = regionAt + slot * slotBytes;
  if (workload === WORKLOAD_ALTERNATE) fillAlternate(x, at, offset);
  else if (workload === WORKLOAD_BULK) fillBulk(x, at, offset);
  else if (workload === WORKLOAD_ECHO) fillEcho(x, at, offset);
  else describe(true, setElement(0, offset, 1));
}

/** True if transfer number `x` came back with the bytes and the used length, uncut, that it must. */
export function verify(x: i32, slot: u32, usedLength: u32): bool {
  const at = memoryAt + <usize>(slot * slotBytes);
  if (workload === WORKLOAD_ALTERNATE) {
    const odd = x & 1;
    return load<i32>(at) === x - odd && usedLength === <u32>odd * PAYLOAD_BYTES;
  }
  if (workload === WORKLOAD_BULK)
    return (x & 1) === 0 ? usedLength === 0 : usedLength === sizeBytes && holdsPattern(at, firstWord(x - 1));
  if (workload === WORKLOAD_ECHO)
    return load<i32>(at) === x && load<i32>(at, PAYLOAD_BYTES) === x && usedLength === PAYLOAD_BYTES;
  return usedLength === 0;
}

/** All `count` elements are of one kind. */
function describe(out: bool, count: u32): void {
  outCount = out ? count : 0;
  inCount = out ? 0 : count;
}

function fillAlternate(x: i32, at: usize, offset: u32): void {
  const out = (x & 1) === 0;
  store<i32>(at, out ? x : UNWRITTEN);
  let count: u32;
  const shape = (x >>> 2) & 3;
  if (shape === 0) count = setThree(0, offset);
  else if (shape === 1) count = setTwo(0, offset);
  else if (shape === 2) count = setElement(0, offset, PAYLOAD_BYTES);
  else count = setFour(0, offset);
  describe(out, count);
}

function fillEcho(x: i32, at: usize, offset: u32): void {
  store<i32>(at, x);
  store<i32>(at, UNWRITTEN, PAYLOAD_BYTES);
  const copy = offset + PAYLOAD_BYTES;
  const shape = <u32>(x >>> 2) % 3;
  let out: u32;
  let all: u32;
  if (shape === 0) {
    out = setThree(0, offset);
    all = setThree(out, copy);
  } else if (shape === 1) {
    out = setTwo(0, offset);
    all = setTwo(out, copy);
  } else {
    out = setElement(0, offset, PAYLOAD_BYTES);
    all = setElement(out, copy, PAYLOAD_BYTES);
  }
  outCount = out;
  inCount = all - out;
}

/** Four bytes as elements 1 + 2 + 1, 1 + 3 and 1 + 1 + 1 + 1, from number `first` on. Each returns the next number. */
function setThree(first: u32, offset: u32): u32 {
  setElement(first, offset, 1);
  setElement(first + 1, offset + 1, 2);
  return setElement(first + 2, offset + 3, 1);
}

function setTwo(first: u32, offset: u32): u32 {
  setElement(first, offset, 1);
  return setElement(first + 1, offset + 1, 3);
}

function setFour(first: u32, offset: u32): u32 {
  setElement(first, offset, 1);
  setElement(first + 1, offset + 1, 1);
  setElement(first + 2, offset + 2, 1);
  return setElement(first + 3, offset + 3, 1);
}

function fillBulk(x: i32, at: usize, offset: u32): void {
  const out = (x & 1) === 0;
  if (out) writePattern(at, firstWord(x));
  describe(out, setElement(0, offset, sizeBytes));
}

function firstWord(x: i32): i32 {
  return x * PATTERN_STEP + 1;
}

function writePattern(at: usize, first: i32): void {
  let word = first;
  for (let offset: u32 = 0; offset < sizeBytes; offset += WORD_BYTES) store<i32>(at + offset, word++);
}

function holdsPattern(at: usize, first: i32): bool {
  let word = first;
  let wrong: i32 = 0;
  for (let offset: u32 = 0; offset < sizeBytes; offset += WORD_BYTES) wrong |= load<i32>(at + offset) ^ word++;
  return wrong === 0;
}
