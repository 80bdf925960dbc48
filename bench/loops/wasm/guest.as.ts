/**
 * The guest's loop for the Wasm engine: `GuestLoop.advance` of `js/guest-loop.ts` with its queue, its workload and the fast path
 * of its doorbell compiled into one module. It returns to sleep, to hand the CPU over, and where a transfer is wrong:
 * the class around it then says what was. AssemblyScript.
 */
import { nullAdd, nullGetBuf, nullLength } from '../../../src/guest/null-queue.as';
import * as queue from '../../../src/guest/split-virtqueue.as';
import { ADDED, RING_BROKE, RING_ONCE, RING_TWICE } from '../../../src/ring/engine-words';
import { ring } from './bell.as';
import { fill, inCount, outCount, verify } from './guest-workloads.as';
import { beginLook, hasSeen, isPolling, pauseAndLook, seenLast } from './look.as';
import {
  LOOP_CHECK_FAILED,
  LOOP_IDLE,
  LOOP_MUST_WAIT,
  LOOP_NOT_DUE,
  LOOP_REACHED,
  LOOP_RING_BROKE,
  LOOP_WAIT_UNTIL_DUE,
  WORD_DONE,
  WORD_SENT,
  WORD_SUPPRESSED,
  WORD_TOKEN,
  WORD_WRONG_ALONE,
} from './loop-words';
import { countWord, setLoopWord } from './loop-words.as';
import { isDue, sampleReturned, sampleSent } from './outside.as';

export { setNullQueue } from '../../../src/guest/null-queue.as';
export * from '../../../src/guest/split-virtqueue.as';
export { setBell } from './bell.as';
export { setWorkload } from './guest-workloads.as';
export { pauseFor, setLook } from './look.as';
export { setLoopWords } from './loop-words.as';

/** No sample is ahead. */
const NEVER: i32 = -1;

/** There is a ring; false: layout null, where everything comes back and nothing is refused. */
let carries: bool = true;
let lastSlot: u32 = 0;
let verifies: bool = true;
let batch: u32 = 1;
let outstanding: i32 = 0;
let delayed: bool = true;
let paced: bool = false;

let done: i32 = 0;
let sent: i32 = 0;
let sendSlot: u32 = 0;
let takeSlot: u32 = 0;
let unpublished: u32 = 0;

/** One of how many transfers is stamped when it is sent and when it is back, 0: none; and the next of each. */
let sampleEvery: i32 = 0;
let nextSent: i32 = NEVER;
let nextReturned: i32 = NEVER;

export function setLoop(
  withRing: bool,
  slotCount: u32,
  withVerify: bool,
  adds: u32,
  inFlightMax: i32,
  delayedCalls: bool,
  withPace: bool,
  every: i32,
): void {
  carries = withRing;
  lastSlot = slotCount - 1;
  verifies = withVerify;
  batch = adds;
  outstanding = inFlightMax;
  delayed = delayedCalls;
  paced = withPace;
  sampleEvery = every;
}

/** Transfer number `first` is the first to be stamped. */
export function restart(first: i32): void {
  if (sampleEvery === 0) return;
  nextSent = first;
  nextReturned = first;
}

export function advance(limit: i32, drain: bool): i32 {
  while (true) {
    for (;;) {
      const back = carries ? queue.getBuf() : nullGetBuf();
      if (back < 0) {
        if (back === RING_BROKE) return LOOP_RING_BROKE;
        break;
      }
      if (!isRight(back)) return LOOP_CHECK_FAILED;
    }
    const x = sent;
    let waitFor = LOOP_MUST_WAIT;
    if (x === limit) {
      if (!drain || done === limit) return LOOP_REACHED;
    } else if (x - done < outstanding) {
      if (paced && !isDue(x)) waitFor = LOOP_WAIT_UNTIL_DUE;
      else if (send(x)) continue;
    }
    if (unpublished !== 0) flush();
    if (waitFor === LOOP_WAIT_UNTIL_DUE && done === x) return LOOP_NOT_DUE;
    if (!carries) continue;
    const seen = lookOn(waitFor === LOOP_WAIT_UNTIL_DUE);
    if (seen < 0) return LOOP_RING_BROKE;
    if (seen > 0) continue;
    if (isPolling()) return LOOP_IDLE;
    if (delayed ? queue.enableCallsDelayed() : queue.enableCalls()) return waitFor;
    queue.disableCalls();
  }
}

/**
 * Looks on with calls off, until the next transfer is due where it waits for that: above 0 there is something to do;
 * below, the ring broke.
 */
function lookOn(untilDue: bool): i32 {
  beginLook(sent - done);
  while (pauseAndLook()) {
    if (untilDue && isDue(sent)) return 1;
    const there = queue.look();
    if (hasSeen(there)) return there;
  }
  return seenLast();
}

/** Checks the transfer that came back, and counts it. */
function isRight(back: i32): bool {
  const x = done;
  const slot = takeSlot;
  const length = carries ? queue.claimedLength() : nullLength;
  setLoopWord(WORD_TOKEN, back);
  if (back !== <i32>slot) return false;
  if (!(verifies ? verify(x, slot, length) : length === 0)) {
    if (carries) return false;
    // Counted, so that the look is not left out.
    countWord(WORD_WRONG_ALONE);
  }
  done = x + 1;
  setLoopWord(WORD_DONE, done);
  takeSlot = slot === lastSlot ? 0 : slot + 1;
  if (x === nextReturned) {
    nextReturned += sampleEvery;
    sampleReturned(x);
  }
  return true;
}

/** Adds transfer number `x`; false: the ring is full. */
function send(x: i32): bool {
  fill(x, sendSlot);
  const result = carries ? queue.addDeferred(outCount, inCount, sendSlot, false) : addToNull(sendSlot);
  if (result !== ADDED) {
    if ((result & (RING_ONCE | RING_TWICE)) !== 0) ring();
    if ((result & RING_TWICE) !== 0) ring();
    if ((result & ADDED) === 0) return false;
  }
  if (x === nextSent) {
    nextSent += sampleEvery;
    sampleSent(x);
  }
  sent = x + 1;
  setLoopWord(WORD_SENT, sent);
  sendSlot = sendSlot === lastSlot ? 0 : sendSlot + 1;
  if (++unpublished === batch) flush();
  return true;
}

function flush(): void {
  unpublished = 0;
  if (isPolling()) queue.publish();
  else if (carries && queue.publishAndAsk()) ring();
  else countWord(WORD_SUPPRESSED);
}

function addToNull(token: i32): i32 {
  return nullAdd(token, queue.bytesOf(outCount, outCount + inCount)) ? ADDED : 0;
}
