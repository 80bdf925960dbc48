/** The guest's loop by the Wasm engine: `guest.as.ts` over its queue, and what it calls outside. Guest thread. */
import type { Doorbell } from '../../../src/doorbell/doorbell.ts';
import { giveWay } from '../../../src/doorbell/give-way.ts';
import { type GuestEngineExports, WasmVirtqueue } from '../../../src/guest/wasm-virtqueue.ts';
import { bindModule } from '../../../src/memory/wasm-module.ts';
import { LAYOUTS } from '../../axes/layouts.ts';
import { WORKLOADS } from '../../axes/workloads.ts';
import { CheckFailed } from '../../check-failed.ts';
import type { Pace } from '../../latency/pace.ts';
import type { Probe } from '../../latency/round-trip.ts';
import { wasmGuestOptions } from '../../pair/engines.ts';
import type { BoundPair } from '../../pair/setup.ts';
import { WORKLOAD_MAKERS } from '../js/index.ts';
import type { GuestWorkload } from '../js/workload.ts';
import { GUEST_ENOUGH } from '../look-on.ts';
import type { Loop, LoopState } from '../loop.ts';
import type { Timing } from '../maker.ts';
import { guestPieces } from './area.ts';
import { stateAt } from './bell-words.ts';
import { Looking, type LookingExports } from './looking.ts';
import { LOOP_CHECK_FAILED, LOOP_RING_BROKE, LOOP_WORDS_BYTES, WORD_SENT, WORD_TOKEN } from './loop-words.ts';
import { WasmSide } from './side.ts';
import { WORKLOAD_NUMBERS } from './workload-numbers.ts';

interface Exports extends GuestEngineExports, LookingExports {
  setLoopWords(at: number): void;
  setBell(stateAt: number): void;
  setWorkload(number: number, payloadsAt: number, offset: number, slotBytes: number, sizeBytes: number): void;
  setNullQueue(at: number, size: number): void;
  setLoop(
    carries: number,
    slotCount: number,
    verifies: number,
    batch: number,
    outstanding: number,
    delayed: number,
    paced: number,
    sampleEvery: number,
  ): void;
  restart(first: number): void;
  advance(limit: number, drain: number): number;
}

const MODULE = new URL('./guest.wasm', import.meta.url);

export class WasmGuestLoop extends WasmSide implements Loop {
  private readonly queue: WasmVirtqueue;
  private readonly wasm: Exports;
  private readonly probe: Probe;
  private readonly pace: Pace;
  /** Explains what the loop refuses. */
  private readonly workload: GuestWorkload;
  private readonly verify: boolean;
  private readonly slotCount: number;

  constructor(pair: BoundPair, bell: Doorbell, { probe, pace, sampleEvery }: Timing) {
    const { config, slots } = pair;
    const options = wasmGuestOptions(pair, bell);
    const { privateArea } = options;
    const { memory } = privateArea;
    const wasm = bindModule<Exports>(MODULE, memory, {
      giveWay: giveWay().give,
      ring: () => bell.ring(),
      sent: (x) => probe.sent(x),
      returned: (x) => probe.returned(x),
      due: (x) => (pace.due(x) ? 1 : 0),
    });
    const pieces = guestPieces(config);
    const queue = new WasmVirtqueue({ ...options, bind: () => wasm });
    const wordsAt = privateArea.take(pieces.words);
    wasm.setLoopWords(wordsAt);
    wasm.setNullQueue(privateArea.take(pieces.entries), config.ringSize);
    wasm.setBell(stateAt(bell, memory));
    const { region, offset, count } = slots;
    const slotBytes = WORKLOADS[config.workload].slotBytes(config.size);
    wasm.setWorkload(WORKLOAD_NUMBERS[config.workload], region.byteOffset + offset, offset, slotBytes, config.size);
    const verify = !config.fastVringh;
    wasm.setLoop(
      LAYOUTS[config.layout].carries ? 1 : 0,
      count,
      verify ? 1 : 0,
      config.batch,
      config.outstanding,
      config.delayedInterrupt ? 1 : 0,
      config.rate > 0 ? 1 : 0,
      sampleEvery,
    );
    const words = new Int32Array(memory.buffer, wordsAt, LOOP_WORDS_BYTES / 4);
    super(words, new Looking(wasm, words, pair, GUEST_ENOUGH), bell);
    this.queue = queue;
    this.wasm = wasm;
    this.verify = verify;
    this.probe = probe;
    this.pace = pace;
    this.workload = WORKLOAD_MAKERS[config.workload].guest(slots, config.size);
    this.slotCount = count;
  }

  restart(first: number): void {
    this.restartCounts();
    this.probe.restart(first);
    this.wasm.restart(first);
  }

  advance(limit: number, drain: boolean): LoopState {
    const state: number = this.returned(this.wasm.advance(limit, drain ? 1 : 0));
    if (state === LOOP_RING_BROKE) throw this.queue.breakQueue();
    if (state === LOOP_CHECK_FAILED) this.refuse();
    return state as LoopState;
  }

  woken(): void {
    this.looking.endWait();
    this.queue.disableCalls();
  }

  dueInMs(): number {
    return this.pace.dueInMs(this.words[WORD_SENT]!);
  }

  pause(): void {
    this.pace.pause(this.words[WORD_SENT]!);
  }

  hasWork(): boolean {
    return this.queue.callDue();
  }

  private refuse(): never {
    const x = this.done;
    const slot = x % this.slotCount;
    const token = this.words[WORD_TOKEN]!;
    if (token !== slot) throw new CheckFailed(`transfer ${x}: token`, slot, token);
    if (this.verify) this.workload.explain(x, slot, this.queue.claimedLength);
    throw new CheckFailed(`transfer ${x}: used length`, 0, this.queue.claimedLength);
  }
}
