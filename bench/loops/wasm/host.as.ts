/**
 * The host's loops for the Wasm engine: `HostLoop.advance` and `FastHostLoop.advance` of `js/host-loop.ts` with their queue,
 * their workload and the fast path of their doorbell compiled into one module. Each returns to sleep, to hand the CPU
 * over, and where a request is bad: the class around it then says what was. AssemblyScript.
 */
import { nullNext } from '../../../src/host/null-queue.as';
import * as queue from '../../../src/host/split-host-queue.as';
import { NONE, REQUEST_BAD } from '../../../src/ring/engine-words';
import { ring } from './bell.as';
import { serve, WRONG } from './host-workloads.as';
import { beginLook, countInVain, hasSeen, isPolling, pauseAndLook, seenLast } from './look.as';
import {
  LOOP_CHECK_FAILED,
  LOOP_IDLE,
  LOOP_MUST_WAIT,
  LOOP_REACHED,
  LOOP_REQUEST_BAD,
  LOOP_RING_BROKE,
  WORD_DONE,
  WORD_SUPPRESSED,
} from './loop-words';
import { countWord, setLoopWord } from './loop-words.as';
import { giveWay, reportAs } from './outside.as';

export { setNullRequests } from '../../../src/host/null-queue.as';
export * from '../../../src/host/split-host-queue.as';
export { setBell } from './bell.as';
export { setWorkload } from './host-workloads.as';
export { pauseFor, setLook } from './look.as';
export { setLoopWords } from './loop-words.as';

/** There is a ring; false: layout null. */
let carries: bool = true;
/** A test tells other used lengths. */
let misreports: bool = false;
let batch: u32 = 1;
let yields: bool = false;
let pollsMax: u32 = 0;
/** The most that the guest has in flight. */
let inFlightMax: i32 = 0;

let done: i32 = 0;
let askedAt: i32 = 0;
let unpublished: u32 = 0;

/** @param looks in vain before the polling loop returns. */
export function setLoop(
  withRing: bool,
  completions: u32,
  looks: u32,
  withYield: bool,
  withReport: bool,
  outstanding: i32,
): void {
  inFlightMax = outstanding;
  carries = withRing;
  misreports = withReport;
  batch = completions;
  pollsMax = looks;
  yields = withYield;
}

export function advance(limit: i32): i32 {
  while (true) {
    if (done === limit) {
      flush();
      return LOOP_REACHED;
    }
    const head = carries ? queue.next() : nullNext();
    if (head >= 0) {
      const written = serve();
      if (written === WRONG) return LOOP_CHECK_FAILED;
      if (carries) complete(head, misreports ? reportAs(written) : written);
      countDone();
      continue;
    }
    if (head !== NONE) return head === REQUEST_BAD ? LOOP_REQUEST_BAD : LOOP_RING_BROKE;
    flush();
    const seen = lookOn();
    if (seen < 0) return LOOP_RING_BROKE;
    if (seen > 0) continue;
    if (isPolling()) return LOOP_IDLE;
    if (queue.enableKicks()) return LOOP_MUST_WAIT;
    queue.disableKicks();
  }
}

/** Looks on with kicks off: above 0 there is something to take; below, the ring broke. */
function lookOn(): i32 {
  beginLook(inFlightMax);
  while (pauseAndLook()) {
    const there = queue.look();
    if (hasSeen(there)) return there;
  }
  return seenLast();
}

/** Reads no chain and completes each head with length 0. */
export function advanceFast(limit: i32): i32 {
  let polls: u32 = 0;
  while (done !== limit) {
    const head = queue.takeHead();
    if (head >= 0) {
      queue.completeHead(head, misreports ? reportAs(0) : 0);
      countDone();
      polls = 0;
      continue;
    }
    if (head !== NONE) return LOOP_RING_BROKE;
    callIfNeeded();
    countInVain();
    if (++polls === pollsMax) return LOOP_IDLE;
    if (yields) giveWay();
  }
  callIfNeeded();
  return LOOP_REACHED;
}

function complete(head: i32, writtenBytes: u32): void {
  if (batch === 1) {
    queue.completeHead(head, writtenBytes);
    return;
  }
  queue.putUsed(head, writtenBytes);
  if (++unpublished === batch) publish();
}

function publish(): void {
  unpublished = 0;
  queue.publish();
}

function flush(): void {
  if (unpublished !== 0) publish();
  callIfNeeded();
}

/** Asks whether the guest wants a call, once for what was completed since. */
function callIfNeeded(): void {
  if (done === askedAt || isPolling()) return;
  askedAt = done;
  if (carries && queue.needsCall()) ring();
  else countWord(WORD_SUPPRESSED);
}

function countDone(): void {
  done++;
  setLoopWord(WORD_DONE, done);
}
