/** How a side looks on with its notifications off, before it asks for one or where it never does. AssemblyScript. */
import { WORD_BUSY_PAUSE, WORD_IDLE_PAUSE, WORD_LOOKS, WORD_LOOKS_IN_VAIN, WORD_PAUSE } from './loop-words';
import { loopWord, setLoopWord } from './loop-words.as';
import { giveWay } from './outside.as';

/** As many at once are enough. */
let enough: i32 = 1;
/** Both sides share a CPU. */
let sharesCpu: bool = false;
/** Looks at nothing of a side that never asks for a notification, 0: it asks. */
let pollsMax: i32 = 0;

export function setLook(most: i32, withPeersCpu: bool, polls: i32): void {
  enough = most;
  sharesCpu = withPeersCpu;
  pollsMax = polls;
}

/** No side asks for a notification. */
export function isPolling(): bool {
  return pollsMax !== 0;
}

let looksLeft: i32 = 0;
let wanted: i32 = 0;
/** How many were there at the last look. */
let seen: i32 = 0;

/** Before a look on, of which each look is `pauseAndLook`, the look, and `hasSeen`. */
export function beginLook(inFlight: i32): void {
  looksLeft = isPolling() ? pollsMax : loopWord(WORD_LOOKS);
  wanted = sharesCpu ? 1 : min(enough, inFlight);
  seen = 0;
}

/** Pauses before the next look; false: it was the last, `seenLast` tells what there is. */
export function pauseAndLook(): bool {
  if (looksLeft === 0) return false;
  looksLeft--;
  if (sharesCpu) giveWay();
  else pauseFor(loopWord(seen === 0 ? WORD_IDLE_PAUSE : WORD_BUSY_PAUSE));
  return true;
}

/** There are as many as a look was for: enough, or no more than at the last look. Below 0 the ring broke. */
export function hasSeen(there: i32): bool {
  if (there === 0) {
    countInVain();
    return false;
  }
  if (there < 0 || there >= wanted || there === seen) return true;
  seen = there;
  return false;
}

export function seenLast(): i32 {
  return seen;
}

export function countInVain(): void {
  setLoopWord(WORD_LOOKS_IN_VAIN, loopWord(WORD_LOOKS_IN_VAIN) + 1);
}

/** Plain operations on a word that nothing reads: neither the bus nor the peer's lines are touched. */
export function pauseFor(operations: i32): void {
  for (let i = 0; i < operations; i++) setLoopWord(WORD_PAUSE, i);
}
