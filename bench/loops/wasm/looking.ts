/** How long a Wasm loop looks on, kept in its words; what it counts there. Either thread. */
import type { BoundPair } from '../../pair/setup.ts';
import type { LookOn } from '../look-on.ts';
import { lookOnOf, pollsMaxOf } from '../maker.ts';
import { WORD_BUSY_PAUSE, WORD_IDLE_PAUSE, WORD_LOOKS, WORD_LOOKS_IN_VAIN } from './loop-words.ts';

export interface LookingExports {
  setLook(enough: number, sharesCpu: number, polls: number): void;
  pauseFor(operations: number): void;
}

export class Looking {
  private readonly wasm: LookingExports;
  private readonly words: Int32Array;
  private readonly lookOn: LookOn;

  /** @param enough as many at once are enough. */
  constructor(wasm: LookingExports, words: Int32Array, { config }: BoundPair, enough: number) {
    this.wasm = wasm;
    this.words = words;
    this.lookOn = lookOnOf(config);
    wasm.setLook(enough, config.apart ? 0 : 1, pollsMaxOf(config));
    this.restart();
  }

  get inVain(): number {
    return this.words[WORD_LOOKS_IN_VAIN]!;
  }

  get us(): number {
    return this.lookOn.us;
  }

  restart(): void {
    const { words, lookOn, wasm } = this;
    lookOn.calibrate(wasm.pauseFor);
    words[WORD_LOOKS_IN_VAIN] = 0;
    words[WORD_IDLE_PAUSE] = lookOn.idlePause;
    words[WORD_BUSY_PAUSE] = lookOn.busyPause;
    words[WORD_LOOKS] = lookOn.looks;
  }

  beginWait(): void {
    this.lookOn.beginWait();
  }

  endWait(): void {
    this.lookOn.endWait();
    this.words[WORD_LOOKS] = this.lookOn.looks;
  }
}
