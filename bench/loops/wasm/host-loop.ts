/** The host's loops by the Wasm engine: `host.as.ts` over its queue, and what it calls outside. Host thread. */
import type { Doorbell } from '../../../src/doorbell/doorbell.ts';
import { type HostEngineExports, WasmVringh, type WasmVringhOptions } from '../../../src/host/wasm-vringh.ts';
import { bindModule } from '../../../src/memory/wasm-module.ts';
import { CheckFailed } from '../../check-failed.ts';
import { type Loop, type LoopState, POLLS_MAX } from '../../workloads/loops.ts';
import { stateAt, takeRings } from './bell-words.ts';
import {
  LOOP_CHECK_FAILED,
  LOOP_REQUEST_BAD,
  LOOP_RING_BROKE,
  LOOP_WORDS_BYTES,
  WORD_ACTUAL,
  WORD_DONE,
  WORD_EXPECTED,
  WORD_SUPPRESSED,
  WORD_WRONG,
  WRONG_PULLED,
  WRONG_PUSHED,
} from './loop-words.ts';

interface Exports extends HostEngineExports {
  setLoopWords(at: number): void;
  setBell(stateAt: number): void;
  setWorkload(number: number, keptAt: number, sizeBytes: number): void;
  setLoop(batch: number, pollsMax: number, yields: number): void;
  advance(limit: number): number;
  advanceFast(limit: number): number;
}

const MODULE = new URL('./host.wasm', import.meta.url);

const WRONGS: Record<number, string> = {
  [WRONG_PULLED]: 'bytes pulled from a request',
  [WRONG_PUSHED]: 'bytes pushed into a request',
};

export interface WasmHostLoopOptions {
  queue: Omit<WasmVringhOptions, 'bind'>;
  bell: Doorbell;
  sizeBytes: number;
  workloadNumber: number;
  batch: number;
  /** Polls, and reads no chain. */
  fast: boolean;
  yieldCpu: (() => number) | null;
}

export class WasmHostLoop implements Loop {
  private readonly queue: WasmVringh;
  private readonly words: Int32Array;
  private readonly bell: Doorbell;
  private readonly fast: boolean;
  private readonly run: (limit: number) => number;

  constructor(options: WasmHostLoopOptions) {
    const { bell, yieldCpu, fast } = options;
    const { privateArea } = options.queue;
    const { memory } = privateArea;
    const imports = { ring: () => bell.ring(), yieldCpu: () => void yieldCpu?.() };
    const wasm = bindModule<Exports>(MODULE, memory, imports);
    this.queue = new WasmVringh({ ...options.queue, bind: () => wasm });
    const wordsAt = privateArea.take(LOOP_WORDS_BYTES);
    wasm.setLoopWords(wordsAt);
    wasm.setBell(stateAt(bell, memory));
    wasm.setWorkload(options.workloadNumber, privateArea.take(options.sizeBytes + 8), options.sizeBytes);
    wasm.setLoop(options.batch, POLLS_MAX, yieldCpu === null ? 0 : 1);
    this.words = new Int32Array(memory.buffer, wordsAt, LOOP_WORDS_BYTES / 4);
    this.bell = bell;
    this.fast = fast;
    this.run = fast ? wasm.advanceFast : wasm.advance;
  }

  get done(): number {
    return this.words[WORD_DONE]!;
  }

  get suppressed(): number {
    return this.words[WORD_SUPPRESSED]!;
  }

  set suppressed(count: number) {
    this.words[WORD_SUPPRESSED] = count;
  }

  advance(limit: number): LoopState {
    const state = this.run(limit);
    takeRings(this.bell, this.words);
    if (state === LOOP_RING_BROKE) throw this.queue.breakQueue();
    if (state === LOOP_REQUEST_BAD) throw this.queue.requestError();
    if (state === LOOP_CHECK_FAILED) this.refuse();
    return state as LoopState;
  }

  woken(): void {
    if (!this.fast) this.queue.disableKicks();
  }

  /** A host serves what comes: nothing is due. */
  dueInMs(): number {
    return Number.POSITIVE_INFINITY;
  }

  pause(): void {}

  hasWork(): boolean {
    return this.queue.hasAvailable();
  }

  private refuse(): never {
    const { words } = this;
    const what = WRONGS[words[WORD_WRONG]!] ?? 'writable elements filled';
    throw new CheckFailed(what, words[WORD_EXPECTED]!, words[WORD_ACTUAL]!);
  }
}
