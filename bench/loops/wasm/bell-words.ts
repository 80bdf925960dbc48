/** The doorbell of a loop in Wasm: rung there where it is a word of the same memory, else by its own class. Either thread. */
import type { Doorbell } from '../../../src/doorbell/doorbell.ts';
import { WordDoorbell } from '../../../src/doorbell/words.ts';
import type { SharedMemory } from '../../../src/memory/region.ts';
import { WORD_RINGS, WORD_WAKE_SYSCALLS } from './loop-words.ts';

/** Where the loop may ring by itself: the address of the doorbell's state in `memory`; 0: nowhere. */
export const stateAt = (bell: Doorbell, memory: SharedMemory): number =>
  bell instanceof WordDoorbell && bell.buffer === memory.buffer ? bell.stateOffset : 0;

/** Counts to `bell` what the loop rang, and begins anew. */
export function takeRings(bell: Doorbell, words: Int32Array): void {
  if (!(bell instanceof WordDoorbell)) return;
  bell.rings += words[WORD_RINGS]!;
  bell.wakeSyscalls += words[WORD_WAKE_SYSCALLS]!;
  words[WORD_RINGS] = 0;
  words[WORD_WAKE_SYSCALLS] = 0;
}
