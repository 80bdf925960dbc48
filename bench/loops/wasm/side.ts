/** What both Wasm loops share: counters in their words, and what follows each return of theirs. Either thread. */
import type { Doorbell } from '../../../src/doorbell/doorbell.ts';
import { takeRings } from './bell-words.ts';
import type { Looking } from './looking.ts';
import { LOOP_MUST_WAIT, WORD_DONE, WORD_SUPPRESSED } from './loop-words.ts';

export abstract class WasmSide {
  protected readonly words: Int32Array;
  protected readonly looking: Looking;
  private readonly bell: Doorbell;

  constructor(words: Int32Array, looking: Looking, bell: Doorbell) {
    this.words = words;
    this.looking = looking;
    this.bell = bell;
  }

  get done(): number {
    return this.words[WORD_DONE]!;
  }

  get suppressed(): number {
    return this.words[WORD_SUPPRESSED]!;
  }

  get looks(): number {
    return this.looking.inVain;
  }

  get lookUs(): number {
    return this.looking.us;
  }

  protected restartCounts(): void {
    this.words[WORD_SUPPRESSED] = 0;
    this.looking.restart();
  }

  /** The loop returned, with that state: its rings are the doorbell's, too. */
  protected returned(state: number): number {
    takeRings(this.bell, this.words);
    if (state === LOOP_MUST_WAIT) this.looking.beginWait();
    return state;
  }
}
