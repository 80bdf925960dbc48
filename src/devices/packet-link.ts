/**
 * What a network device's packets come from and go to: a tap, another device, itself. All of it on the device's own
 * thread. A link keeps what it took: it says no before it would lose a packet.
 */

export interface PacketLink {
  /** Moves the next packet into `into`, which is long enough for any. Returns its length, bytes; -1: none is waiting. */
  receive(into: Uint8Array): number;
  /** Takes a packet, the first `length` of `bytes`, which stay the caller's. False: there is no room now. */
  send(bytes: Uint8Array, length: number): boolean;
  /** Called when a packet is there after `receive` found none, and while one waits after `resume`. */
  onReadable: (() => void) | null;
  /** Called when there is room after `send` found none. */
  onWritable: (() => void) | null;
  /** Nobody will ask for packets: `onReadable` is not called, packets wait where they are. */
  pause(): void;
  resume(): void;
  close(): void;
}

/** A room of some packets between a sender and a receiver; the slots' memory is used again. */
class PacketPipe {
  onReadable: (() => void) | null = null;
  onWritable: (() => void) | null = null;
  paused = false;
  private readonly slots: Uint8Array[];
  private readonly lengths: Int32Array;
  private first = 0;
  private count = 0;
  private refused = false;

  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1)
      throw new RangeError(`a link has room for packets, not ${capacity}`);
    this.slots = Array.from({ length: capacity }, () => new Uint8Array(0));
    this.lengths = new Int32Array(capacity);
  }

  put(bytes: Uint8Array, length: number): boolean {
    const capacity = this.slots.length;
    if (this.count === capacity) {
      this.refused = true;
      return false;
    }
    const at = (this.first + this.count) % capacity;
    let slot = this.slots[at]!;
    if (slot.length < length) {
      slot = new Uint8Array(2 ** Math.ceil(Math.log2(length)));
      this.slots[at] = slot;
    }
    slot.set(bytes.subarray(0, length));
    this.lengths[at] = length;
    this.count++;
    if (this.count === 1 && !this.paused) this.onReadable?.();
    return true;
  }

  take(into: Uint8Array): number {
    if (this.count === 0) return -1;
    const length = this.lengths[this.first]!;
    into.set(this.slots[this.first]!.subarray(0, length));
    this.first = (this.first + 1) % this.slots.length;
    this.count--;
    if (this.refused) {
      this.refused = false;
      this.onWritable?.();
    }
    return length;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    if (this.count > 0) this.onReadable?.();
  }
}

/** One end of a link inside a process. */
class LinkEnd implements PacketLink {
  private readonly outward: PacketPipe;
  private readonly inward: PacketPipe;

  constructor(outward: PacketPipe, inward: PacketPipe) {
    this.outward = outward;
    this.inward = inward;
  }

  get onReadable(): (() => void) | null {
    return this.inward.onReadable;
  }
  set onReadable(listener: (() => void) | null) {
    this.inward.onReadable = listener;
  }

  get onWritable(): (() => void) | null {
    return this.outward.onWritable;
  }
  set onWritable(listener: (() => void) | null) {
    this.outward.onWritable = listener;
  }

  receive(into: Uint8Array): number {
    return this.inward.take(into);
  }

  send(bytes: Uint8Array, length: number): boolean {
    return this.outward.put(bytes, length);
  }

  pause(): void {
    this.inward.paused = true;
  }

  resume(): void {
    this.inward.resume();
  }

  close(): void {
    this.onReadable = null;
    this.onWritable = null;
  }
}

const CAPACITY_DEFAULT = 256;

/** What is sent comes back. `capacity`: packets on their way. */
export function loopbackLink(capacity = CAPACITY_DEFAULT): PacketLink {
  const pipe = new PacketPipe(capacity);
  return new LinkEnd(pipe, pipe);
}

/** Two ends: what is sent into one is received from the other. `capacity`: packets on their way in each direction. */
export function pairLinks(capacity = CAPACITY_DEFAULT): [PacketLink, PacketLink] {
  const there = new PacketPipe(capacity);
  const back = new PacketPipe(capacity);
  return [new LinkEnd(there, back), new LinkEnd(back, there)];
}
