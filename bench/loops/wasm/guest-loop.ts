/** The guest's loop by the Wasm engine: `guest.as.ts` over its queue, and what it calls outside. Guest thread. */
import type { Doorbell } from '../../../src/doorbell/doorbell.ts';
import { type GuestEngineExports, WasmVirtqueue, type WasmVirtqueueOptions } from '../../../src/guest/wasm-virtqueue.ts';
import { bindModule } from '../../../src/memory/wasm-module.ts';
import { CheckFailed } from '../../check-failed.ts';
import type { Pace } from '../../latency/pace.ts';
import type { Probe } from '../../latency/round-trip.ts';
import type { GuestKnobs, Loop, LoopState } from '../../workloads/loops.ts';
import type { Slots } from '../../workloads/slots.ts';
import type { GuestWorkload } from '../../workloads/workload.ts';
import { stateAt, takeRings } from './bell-words.ts';
import {
  LOOP_CHECK_FAILED,
  LOOP_RING_BROKE,
  LOOP_WORDS_BYTES,
  WORD_DONE,
  WORD_SENT,
  WORD_SUPPRESSED,
  WORD_TOKEN,
} from './loop-words.ts';

interface Exports extends GuestEngineExports {
  setLoopWords(at: number): void;
  setBell(stateAt: number): void;
  setWorkload(number: number, payloadsAt: number, offset: number, slotBytes: number, sizeBytes: number): void;
  setLoop(
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

export interface WasmGuestLoopOptions {
  queue: Omit<WasmVirtqueueOptions, 'bind' | 'doorbell'>;
  bell: Doorbell;
  slots: Slots;
  slotBytes: number;
  sizeBytes: number;
  workloadNumber: number;
  /** Explains what the loop refuses. */
  workload: GuestWorkload;
  verify: boolean;
  knobs: GuestKnobs;
  probe: Probe;
  pace: Pace;
  paced: boolean;
  sampleEvery: number;
}

export class WasmGuestLoop implements Loop {
  private readonly queue: WasmVirtqueue;
  private readonly wasm: Exports;
  private readonly words: Int32Array;
  private readonly bell: Doorbell;
  private readonly pace: Pace;
  private readonly workload: GuestWorkload;
  private readonly verify: boolean;
  private readonly slotCount: number;

  constructor(options: WasmGuestLoopOptions) {
    const { bell, slots, knobs, probe, pace } = options;
    const { privateArea } = options.queue;
    const { memory } = privateArea;
    const imports = {
      ring: () => bell.ring(),
      sent: (x: number) => probe.sent(x),
      returned: (x: number) => probe.returned(x),
      due: (x: number) => (pace.due(x) ? 1 : 0),
    };
    const wasm = bindModule<Exports>(MODULE, memory, imports);
    this.queue = new WasmVirtqueue({ ...options.queue, doorbell: bell, bind: () => wasm });
    const wordsAt = privateArea.take(LOOP_WORDS_BYTES);
    wasm.setLoopWords(wordsAt);
    wasm.setBell(stateAt(bell, memory));
    const { region, offset, count } = slots;
    wasm.setWorkload(
      options.workloadNumber,
      region.byteOffset + offset,
      offset,
      options.slotBytes,
      options.sizeBytes,
    );
    wasm.setLoop(
      count,
      options.verify ? 1 : 0,
      knobs.batch,
      knobs.outstanding,
      knobs.delayedInterrupt ? 1 : 0,
      options.paced ? 1 : 0,
      options.sampleEvery,
    );
    this.wasm = wasm;
    this.words = new Int32Array(memory.buffer, wordsAt, LOOP_WORDS_BYTES / 4);
    this.bell = bell;
    this.pace = pace;
    this.workload = options.workload;
    this.verify = options.verify;
    this.slotCount = count;
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

  advance(limit: number, drain: boolean): LoopState {
    const state = this.wasm.advance(limit, drain ? 1 : 0);
    takeRings(this.bell, this.words);
    if (state === LOOP_RING_BROKE) throw this.queue.breakQueue();
    if (state === LOOP_CHECK_FAILED) this.refuse();
    return state as LoopState;
  }

  woken(): void {
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
