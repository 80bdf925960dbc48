/**
 * Doorbell by an eventfd, as a device outside of its virtual machine is rung: every ring is a system call. The
 * waiter's bound is the kernel's own, so nobody needs to watch it.
 */
import { addEventfd, closeEventfd, openEventfd, takeEventfd } from '../native/eventfd.ts';
import { whyUnavailable } from '../native/libc.ts';
import { waitReadable } from '../native/poll.ts';
import { type DoorbellStrategy, descriptorOf, type WaitSet, type Wake } from './doorbell.ts';
import { SystemCallDoorbell } from './system-call.ts';
import { HANDLE_SIZE, STOP, wordsOf } from './words.ts';

class EventfdDoorbell extends SystemCallDoorbell {
  protected signal(): void {
    addEventfd(this.descriptor);
  }
}

class EventfdWaitSet implements WaitSet {
  readonly spins = 0;
  readonly spinUs = 0;
  private readonly words: Int32Array;
  private readonly descriptor: number;

  constructor(words: Int32Array, descriptor: number) {
    this.words = words;
    this.descriptor = descriptor;
  }

  wait(timeoutMs: number): Wake {
    if (this.stopped()) return 'stopped';
    // Poll first: a read in vain before it costs as much as it saves, on one CPU more.
    const rung = waitReadable(this.descriptor, timeoutMs) && takeEventfd(this.descriptor);
    if (this.stopped()) return 'stopped';
    return rung ? 'rung' : 'timed-out';
  }

  stopped(): boolean {
    return Atomics.load(this.words, STOP) !== 0;
  }

  drain(): void {
    takeEventfd(this.descriptor);
  }

  resetCounters(): void {}

  close(): void {}
}

export const eventfd: DoorbellStrategy = {
  name: 'eventfd',
  summary: 'an eventfd, by koffi: one system call a ring, waits with a bound (Linux)',
  unavailable: whyUnavailable,
  makeHandle: () => ({ strategy: 'eventfd', words: new SharedArrayBuffer(HANDLE_SIZE), descriptor: openEventfd() }),
  waitSet: (handle) => new EventfdWaitSet(wordsOf(handle), descriptorOf(handle)),
  doorbell: (handle) => new EventfdDoorbell(descriptorOf(handle)),
  stop(handle) {
    Atomics.store(wordsOf(handle), STOP, 1);
    addEventfd(descriptorOf(handle));
  },
  dispose: (handle) => closeEventfd(descriptorOf(handle)),
};
