/**
 * How the host serves a request, by workload: it copies out of readable elements into `kept` and from there into
 * writable ones, byte by byte as they are cut. The same as in `bench/loops/js`. AssemblyScript.
 */
import {
  readableCount,
  readableLength,
  readablePlace,
  writableCount,
  writableLength,
  writablePlace,
} from '../../../src/host/chain-reader.as';
import {
  WORD_ACTUAL,
  WORD_EXPECTED,
  WORD_WRONG,
  WORKLOAD_ALTERNATE,
  WORKLOAD_BULK,
  WORKLOAD_SINGLE,
  WRONG_ELEMENTS,
  WRONG_PULLED,
  WRONG_PUSHED,
} from './loop-words';
import { setLoopWord } from './loop-words.as';

const PAYLOAD_BYTES: u32 = 4;
/** Longer pieces are copied by the engine's own instruction, whose start takes longer than so many bytes. */
const COPIED_BYTEWISE_MAX: u32 = 16;
/** What `serve` returns of a request that was not what it was to be. */
export const WRONG: i32 = -1;

let workload: i32 = 0;
let sizeBytes: u32 = 0;
/** Room for one byte more than a request may carry, so that a longer one shows. */
let kept: usize = 0;

/** Elements that the last `push` filled. */
let filled: u32 = 0;

export function setWorkload(number: i32, keptAt: usize, size: u32): void {
  workload = number;
  kept = keptAt;
  sizeBytes = size;
}

/** Returns the bytes written, or WRONG. */
export function serve(): i32 {
  if (workload === WORKLOAD_SINGLE) return 0;
  if (workload === WORKLOAD_ALTERNATE) return serveAlternate();
  if (workload === WORKLOAD_BULK) return serveBulk();
  return serveEcho();
}

function serveAlternate(): i32 {
  if (readableCount !== 0) {
    const pulled = pull(PAYLOAD_BYTES + 1);
    return pulled === PAYLOAD_BYTES ? 0 : wrong(WRONG_PULLED, PAYLOAD_BYTES, pulled);
  }
  const pushed = push(PAYLOAD_BYTES);
  if (pushed !== PAYLOAD_BYTES) return wrong(WRONG_PUSHED, PAYLOAD_BYTES, pushed);
  return filled === writableCount ? pushed : wrong(WRONG_ELEMENTS, writableCount, filled);
}

function serveEcho(): i32 {
  const pulled = pull(PAYLOAD_BYTES + 1);
  const pushed = push(pulled);
  if (pushed !== pulled) return wrong(WRONG_PUSHED, pulled, pushed);
  return filled === writableCount ? pushed : wrong(WRONG_ELEMENTS, writableCount, filled);
}

function serveBulk(): i32 {
  const out = readableCount !== 0;
  const moved = out ? pull(sizeBytes + 1) : push(sizeBytes + 1);
  if (moved !== sizeBytes) return wrong(out ? WRONG_PULLED : WRONG_PUSHED, sizeBytes, moved);
  return out ? 0 : moved;
}

function wrong(kind: i32, expected: u32, actual: u32): i32 {
  setLoopWord(WORD_WRONG, kind);
  setLoopWord(WORD_EXPECTED, expected);
  setLoopWord(WORD_ACTUAL, actual);
  return WRONG;
}

function pull(bytesMax: u32): u32 {
  let moved: u32 = 0;
  for (let i: u32 = 0; i < readableCount && moved < bytesMax; i++) {
    const length = min(readableLength(i), bytesMax - moved);
    copy(kept + moved, readablePlace(i), length);
    moved += length;
  }
  return moved;
}

function push(bytesMax: u32): u32 {
  let moved: u32 = 0;
  let i: u32 = 0;
  for (; i < writableCount; i++) {
    const whole = writableLength(i);
    const length = min(whole, bytesMax - moved);
    copy(writablePlace(i), kept + moved, length);
    moved += length;
    if (length !== whole) break;
  }
  filled = i;
  return moved;
}

function copy(to: usize, from: usize, length: u32): void {
  if (length === 1) store<u8>(to, load<u8>(from));
  else if (length === PAYLOAD_BYTES) store<u32>(to, load<u32>(from));
  else if (length > COPIED_BYTEWISE_MAX) memory.copy(to, from, length);
  else for (let i: u32 = 0; i < length; i++) store<u8>(to + i, load<u8>(from + i));
}
