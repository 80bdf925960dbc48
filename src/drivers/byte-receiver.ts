/**
 * A queue from which bytes come, as a stream: its buffers are always with the device, and go back when they are read.
 * Guest thread. It does not wait.
 */
import { EMPTY, type GuestQueue } from '../guest/queue.ts';
import { ScatterList } from '../guest/scatter-list.ts';
import { copyBytes } from '../memory/copy.ts';
import type { QueueWithSlots, Slots } from './slots.ts';

export interface ByteReceiverOptions extends QueueWithSlots {
  /** Bytes that were read are wiped before the device gets their buffer again. */
  readonly wipes?: boolean;
}

export class ByteReceiver {
  private queue: GuestQueue;
  private readonly slots: Slots;
  private readonly wipes: boolean;
  private readonly elements = new ScatterList(1);
  /** The buffer that is being read, or EMPTY: how many bytes it has, and how many of them were read. */
  private slot = EMPTY;
  private count = 0;
  private used = 0;
  private unposted = 0;

  /** Offers all buffers to the device. @throws RangeError if they are too many for the ring */
  constructor({ queue, slots, wipes = false }: ByteReceiverOptions) {
    if (slots.count > queue.size) throw new RangeError(`a ring of ${queue.size} takes no ${slots.count} slots`);
    this.queue = queue;
    this.slots = slots;
    this.wipes = wipes;
    this.begin();
  }

  /** Moves up to `length` bytes to the start of `into`. Returns how many; 0: none are there now. @throws RingError */
  read(into: Uint8Array, length = into.length): number {
    const { slots } = this;
    const wanted = Math.min(length, into.length);
    let done = 0;
    while (done < wanted && (this.slot !== EMPTY || this.next())) {
      const part = Math.min(wanted - done, this.count - this.used);
      copyBytes(slots.region.u8, slots.offsetOf(this.slot) + this.used, into, done, part);
      this.used += part;
      done += part;
      if (this.used === this.count) this.giveBack();
    }
    if (this.unposted > 0) this.post();
    return done;
  }

  /** A hint: calls may still come. */
  disableCalls(): void {
    this.queue.disableCalls();
  }

  /** True: nothing came meanwhile, and nothing is left to read: safe to wait for a call. */
  enableCalls(): boolean {
    return this.queue.enableCalls() && this.slot === EMPTY;
  }

  /** Goes on with another queue after the device is gone; what it had sent and was not read is lost. */
  resume(queue: GuestQueue): void {
    this.queue = queue;
    this.slots.releaseAll();
    this.slot = EMPTY;
    this.begin();
  }

  private begin(): void {
    for (let slot = this.slots.acquire(); slot !== EMPTY; slot = this.slots.acquire()) this.offer(slot);
    this.post();
  }

  /** Takes the next buffer that has bytes. False: there is none now. */
  private next(): boolean {
    // A device that gives nothing but empty buffers does not hold the thread.
    for (let left = this.slots.count; left > 0; left--) {
      const slot = this.queue.getBuf();
      if (slot === EMPTY) return false;
      const count = Math.min(this.queue.usedLength, this.slots.slotBytes);
      if (count > 0) {
        this.slot = slot;
        this.count = count;
        this.used = 0;
        return true;
      }
      this.offer(slot);
    }
    return false;
  }

  private giveBack(): void {
    const at = this.slots.offsetOf(this.slot);
    if (this.wipes) this.slots.region.u8.fill(0, at, at + this.count);
    this.offer(this.slot);
    this.slot = EMPTY;
  }

  private offer(slot: number): void {
    const { region, slotBytes } = this.slots;
    this.elements.reset().addIn(region, this.slots.offsetOf(slot), slotBytes);
    this.queue.addDeferred(this.elements, slot);
    this.unposted++;
  }

  private post(): void {
    this.queue.publish();
    this.queue.kick();
    this.unposted = 0;
  }
}
