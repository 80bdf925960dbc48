/**
 * Doorbell by a pipe, one byte a ring, as in the kernel's own program: the honest baseline. The waiter blocks in a
 * read; a read has no bound, so another thread watches how long it lasts and writes a byte that means just that. It
 * says of which wait, for it may come when that one has just ended.
 *
 *     word 1   0 | 1: stop (as every doorbell's)
 *     word 2   counts the waits that began; the watch sees one last by it standing still
 *     word 3   the bound of the wait under way, milliseconds; 0: none is
 */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DoorbellHandle, type DoorbellStrategy, descriptorOf, type WaitSet, type Wake } from './doorbell.ts';
import { SystemCallDoorbell } from './system-call.ts';
import { HANDLE_SIZE, STOP, wordsOf } from './words.ts';

const WAITS = 2;
const BOUND_MS = 3;

/** What a byte in the pipe says. */
const RING_BYTE = Uint8Array.of(1);
const STOP_BYTE = Uint8Array.of(2);
/** The bound of a wait has passed; the other bits are the lowest of its number. */
const TIMED_OUT = 0x80;

/** All rings so far are taken by one read, up to so many. */
const READ_SIZE = 128;

/** How often the watch looks. */
const WATCH_MS = 20;

class PipeDoorbell extends SystemCallDoorbell {
  protected signal(): void {
    writeSync(this.descriptor, RING_BYTE);
  }
}

class PipeWaitSet implements WaitSet {
  readonly spins = 0;
  readonly spinUs = 0;
  private readonly words: Int32Array;
  private readonly pipe: number;
  /** The same pipe by a descriptor of its own, which does not block. */
  private readonly glance: number;
  private readonly buffer = new Uint8Array(READ_SIZE);

  constructor(words: Int32Array, pipe: number) {
    this.words = words;
    this.pipe = pipe;
    this.glance = openSync(`/proc/self/fd/${pipe}`, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  wait(timeoutMs: number): Wake {
    if (this.stopped()) return 'stopped';
    if (timeoutMs <= 0) return this.taken(this.read(this.glance), 0) ?? 'timed-out';
    const timedOut = timedOutByte(Atomics.add(this.words, WAITS, 1) + 1);
    Atomics.store(this.words, BOUND_MS, Math.ceil(timeoutMs));
    let wake: Wake | null;
    do wake = this.taken(this.read(this.pipe), timedOut);
    while (wake === null);
    Atomics.store(this.words, BOUND_MS, 0);
    return wake;
  }

  stopped(): boolean {
    return Atomics.load(this.words, STOP) !== 0;
  }

  drain(): void {
    while (this.read(this.glance) > 0);
  }

  resetCounters(): void {}

  close(): void {
    closeSync(this.glance);
  }

  /** Bytes that it read; 0 if there are none and the descriptor does not block, or if a signal ended the call. */
  private read(descriptor: number): number {
    try {
      return readSync(descriptor, this.buffer);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // The engine repeats every other call that a signal ended, but not this one.
      if (code === 'EAGAIN' || code === 'EINTR') return 0;
      throw error;
    }
  }

  /** What so many bytes say to a wait that `timedOut` ends; null: nothing. */
  private taken(count: number, timedOut: number): Wake | null {
    if (this.stopped()) return 'stopped';
    let wake: Wake | null = null;
    for (let i = 0; i < count; i++) {
      const byte = this.buffer[i];
      if (byte === RING_BYTE[0]) return 'rung';
      if (byte === timedOut) wake = 'timed-out';
    }
    return wake;
  }
}

const timedOutByte = (wait: number) => TIMED_OUT | (wait & (TIMED_OUT - 1));

/** A named pipe's name is only needed to open it: nothing stays in the file system. */
function makePipe(): number {
  const folder = mkdtempSync(join(tmpdir(), 'vringbench-'));
  try {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    return openSync(path, constants.O_RDWR);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function watch(handle: DoorbellHandle): () => void {
  const words = wordsOf(handle);
  let wait = -1;
  let since = 0;
  const timer = setInterval(() => {
    const bound = Atomics.load(words, BOUND_MS);
    const current = bound === 0 ? -1 : Atomics.load(words, WAITS);
    if (current !== wait) {
      wait = current;
      since = performance.now();
    } else if (wait !== -1 && performance.now() - since >= bound) {
      writeSync(descriptorOf(handle), Uint8Array.of(timedOutByte(current)));
      wait = -1;
    }
  }, WATCH_MS);
  return () => clearInterval(timer);
}

export const pipe: DoorbellStrategy = {
  name: 'pipe',
  summary: "one byte in a pipe a ring, as the kernel's program: the baseline (Linux)",
  makeHandle: () => ({ strategy: 'pipe', words: new SharedArrayBuffer(HANDLE_SIZE), descriptor: makePipe() }),
  waitSet: (handle) => new PipeWaitSet(wordsOf(handle), descriptorOf(handle)),
  doorbell: (handle) => new PipeDoorbell(descriptorOf(handle)),
  stop(handle) {
    Atomics.store(wordsOf(handle), STOP, 1);
    // A ringer may be blocked on a full pipe: make room, then end the wait.
    const waits = new PipeWaitSet(wordsOf(handle), descriptorOf(handle));
    waits.drain();
    waits.close();
    writeSync(descriptorOf(handle), STOP_BYTE);
  },
  watch,
  dispose: (handle) => closeSync(descriptorOf(handle)),
};
