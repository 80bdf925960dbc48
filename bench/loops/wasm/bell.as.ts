/**
 * The ringing end of a doorbell that is a word in the pair's memory: the exchange that `WordDoorbell.ring` makes, and
 * the notify where the waiter sleeps. Any other doorbell is rung by its own class. AssemblyScript.
 */
import { BELL_ASLEEP, BELL_RUNG, WORD_RINGS, WORD_WAKE_SYSCALLS } from './loop-words';
import { countWord } from './loop-words.as';
import { ringOutside } from './outside.as';

/** Where the state lies; 0: the doorbell is rung outside. */
let state: usize = 0;

export function setBell(stateAt: usize): void {
  state = stateAt;
}

export function ring(): void {
  if (state === 0) {
    ringOutside();
    return;
  }
  countWord(WORD_RINGS);
  // E full: what was published before the ring, then the state. Pairs with E full, WordWaitSet.take.
  if (atomic.xchg<i32>(state, BELL_RUNG) === BELL_ASLEEP) {
    countWord(WORD_WAKE_SYSCALLS);
    atomic.notify(state, 1);
  }
}
