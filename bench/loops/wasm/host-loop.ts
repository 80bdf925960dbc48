/** The host's loops by the Wasm engine: `host.as.ts` over its queue, and what it calls outside. Host thread. */
import type { Doorbell } from '../../../src/doorbell/doorbell.ts';
import { giveWay } from '../../../src/doorbell/give-way.ts';
import { type HostEngineExports, WasmVringh } from '../../../src/host/wasm-vringh.ts';
import { bindModule } from '../../../src/memory/wasm-module.ts';
import { LAYOUTS } from '../../axes/layouts.ts';
import { CheckFailed } from '../../check-failed.ts';
import { wasmHostOptions } from '../../pair/engines.ts';
import type { BoundPair } from '../../pair/setup.ts';
import { HOST_ENOUGH } from '../look-on.ts';
import { type Loop, type LoopState, POLLS_MAX } from '../loop.ts';
import type { Report } from '../maker.ts';
import { hostPieces, NULL_LIST_ELEMENTS } from './area.ts';
import { stateAt } from './bell-words.ts';
import { Looking, type LookingExports } from './looking.ts';
import {
  LOOP_CHECK_FAILED,
  LOOP_REQUEST_BAD,
  LOOP_RING_BROKE,
  LOOP_WORDS_BYTES,
  WORD_ACTUAL,
  WORD_EXPECTED,
  WORD_WRONG,
  WRONG_PULLED,
  WRONG_PUSHED,
} from './loop-words.ts';
import { writeNullRequests } from './null-requests.ts';
import { WasmSide } from './side.ts';
import { WORKLOAD_NUMBERS } from './workload-numbers.ts';

interface Exports extends HostEngineExports, LookingExports {
  setLoopWords(at: number): void;
  setBell(stateAt: number): void;
  setWorkload(number: number, keptAt: number, sizeBytes: number): void;
  setNullRequests(at: number, count: number): void;
  setLoop(
    carries: number,
    batch: number,
    pollsMax: number,
    yields: number,
    misreports: number,
    outstanding: number,
  ): void;
  advance(limit: number): number;
  advanceFast(limit: number): number;
}

const MODULE = new URL('./host.wasm', import.meta.url);

const WRONGS: Record<number, string> = {
  [WRONG_PULLED]: 'bytes pulled from a request',
  [WRONG_PUSHED]: 'bytes pushed into a request',
};

/** Layout null: requests made before, over payloads of their own. */
function showNullRequests(wasm: Exports, { config, areas }: BoundPair): void {
  const { memory } = areas.host;
  const pieces = hostPieces(config);
  const requestsAt = areas.host.take(pieces.requests);
  const count = writeNullRequests(memory, requestsAt, areas.host.take(pieces.lists), config);
  wasm.setReader(areas.host.take(pieces.region), 1, 0, 0, NULL_LIST_ELEMENTS, 0, 0);
  wasm.setRegion(0, 0n, BigInt(pieces.payloads), areas.host.take(pieces.payloads));
  wasm.setNullRequests(requestsAt, count);
}

export class WasmHostLoop extends WasmSide implements Loop {
  private readonly queue: WasmVringh;
  private readonly fast: boolean;
  private readonly run: (limit: number) => number;

  constructor(pair: BoundPair, bell: Doorbell, report: Report | null) {
    const { config } = pair;
    const options = wasmHostOptions(pair);
    const { privateArea } = options;
    const { memory } = privateArea;
    const wasm = bindModule<Exports>(MODULE, memory, {
      ring: () => bell.ring(),
      report: (writtenBytes) => report?.(writtenBytes >>> 0),
      giveWay: giveWay().give,
    });
    const pieces = hostPieces(config);
    const queue = new WasmVringh({ ...options, bind: () => wasm });
    const wordsAt = privateArea.take(pieces.words);
    wasm.setLoopWords(wordsAt);
    wasm.setBell(stateAt(bell, memory));
    wasm.setWorkload(WORKLOAD_NUMBERS[config.workload], privateArea.take(pieces.kept), config.size);
    const { carries } = LAYOUTS[config.layout];
    if (!carries) showNullRequests(wasm, pair);
    wasm.setLoop(
      carries ? 1 : 0,
      config.completeBatch,
      POLLS_MAX,
      config.apart ? 0 : 1,
      report === null ? 0 : 1,
      config.outstanding,
    );
    const words = new Int32Array(memory.buffer, wordsAt, LOOP_WORDS_BYTES / 4);
    super(words, new Looking(wasm, words, pair, HOST_ENOUGH), bell);
    this.queue = queue;
    this.fast = config.fastVringh;
    this.run = config.fastVringh ? wasm.advanceFast : wasm.advance;
  }

  restart(): void {
    this.restartCounts();
  }

  advance(limit: number): LoopState {
    const state: number = this.returned(this.run(limit));
    if (state === LOOP_RING_BROKE) throw this.queue.breakQueue();
    if (state === LOOP_REQUEST_BAD) throw this.queue.requestError();
    if (state === LOOP_CHECK_FAILED) this.refuse();
    return state as LoopState;
  }

  woken(): void {
    this.looking.endWait();
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
