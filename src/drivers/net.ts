/**
 * The driver of a virtio network device, on one pair of queues [virtio-v1.2 §5.1.6]. Guest thread.
 *
 * Receive buffers are always with the device: each goes back as soon as its bytes are copied out, in batches. Frames
 * to send are copied into slots of guest memory, which are taken back when none is left. Nothing is allocated per
 * packet. No offload is negotiated: headers say nothing but how many buffers a packet fills.
 *
 * It does not wait and knows no transport. What the device writes is not trusted: a packet that cannot be one is
 * dropped and counted, its buffers go back.
 */

import {
  ETH_HEADER_SIZE,
  MTU_DEFAULT,
  NET_HEADER_SIZE,
  NET_HEADER_SIZE_LEGACY,
  NET_NUM_BUFFERS_OFFSET,
  VIRTIO_F_ANY_LAYOUT,
  VIRTIO_NET_F_MAC,
  VIRTIO_NET_F_MRG_RXBUF,
  VIRTIO_NET_F_MTU,
  VIRTIO_NET_F_STATUS,
} from '../formats/net.ts';
import { EMPTY, type GuestQueue } from '../guest/queue.ts';
import { ScatterList } from '../guest/scatter-list.ts';
import { copyBytes } from '../memory/copy.ts';
import { VIRTIO_F_VERSION_1 } from '../ring/constants.ts';
import { featureWord, hasFeature } from '../ring/feature-word.ts';
import { type NetConfig, readNetConfig } from './net-config.ts';
import type { QueueWithSlots, Slots } from './slots.ts';

/** The device's own features that this driver understands; those of the rings come besides. */
export const NET_FEATURES = featureWord(
  VIRTIO_NET_F_MTU,
  VIRTIO_NET_F_MAC,
  VIRTIO_NET_F_MRG_RXBUF,
  VIRTIO_NET_F_STATUS,
  VIRTIO_F_ANY_LAYOUT,
);

/** So many receive buffers go back to the device at once, or a quarter of them if that is less. */
const POST_BATCH = 32;

/** Of a packet that is none, in place of its length. */
const DROPPED = -1;

export interface NetDriverOptions {
  /** A slot is a header and a frame; with MRG_RXBUF a frame may fill several. */
  readonly receive: QueueWithSlots;
  /** A slot is a header and a frame. */
  readonly transmit: QueueWithSlots;
  /** As negotiated. */
  readonly features: bigint;
  /** The configuration space; empty if it cannot be read. */
  readonly config: Uint8Array;
}

export class NetDriver {
  readonly headerBytes: number;
  /** A packet may fill several receive buffers. */
  readonly mergeable: boolean;
  /** The longest frame that a transmit slot holds, bytes. */
  readonly frameBytesMax: number;
  /** What the configuration space said last. */
  net: NetConfig;
  /** Packets received that were none, or longer than what they were to be copied into. */
  dropped = 0;

  private readonly features: bigint;
  private receiveQueue: GuestQueue;
  private readonly receiveSlots: Slots;
  private transmitQueue: GuestQueue;
  private readonly transmitSlots: Slots;
  /** Legacy devices want the header in an element of its own [virtio-v1.2 §5.1.6.6]. */
  private readonly headerApart: boolean;
  private readonly elements = new ScatterList(2);
  private readonly postBatch: number;
  /** Receive buffers that were added and not shown to the device. */
  private unposted = 0;

  /**
   * Offers all receive buffers to the device.
   * @throws NetConfigError; RangeError if slots are too short or too many for their ring
   */
  constructor({ receive, transmit, features, config }: NetDriverOptions) {
    this.features = features;
    this.net = readNetConfig(config, features);
    this.mergeable = hasFeature(features, VIRTIO_NET_F_MRG_RXBUF);
    const modern = hasFeature(features, VIRTIO_F_VERSION_1);
    this.headerBytes = this.mergeable || modern ? NET_HEADER_SIZE : NET_HEADER_SIZE_LEGACY;
    this.headerApart = !modern && !hasFeature(features, VIRTIO_F_ANY_LAYOUT);
    this.receiveQueue = receive.queue;
    this.receiveSlots = receive.slots;
    this.transmitQueue = transmit.queue;
    this.transmitSlots = transmit.slots;
    this.frameBytesMax = transmit.slots.slotBytes - this.headerBytes;
    this.checkSlots('receive', receive, this.mergeable ? ETH_HEADER_SIZE : this.mtuOrDefault + ETH_HEADER_SIZE);
    this.checkSlots('transmit', transmit, ETH_HEADER_SIZE);
    this.postBatch = Math.min(POST_BATCH, Math.ceil(receive.slots.count / 4));
    this.begin();
  }

  /** Frames sent and not taken back. */
  get inFlight(): number {
    return this.transmitSlots.inUse;
  }

  /** Bytes that a frame may carry. */
  get mtuOrDefault(): number {
    return this.net.mtu ?? MTU_DEFAULT;
  }

  /** Reads the configuration space again: the device changed it. @throws NetConfigError */
  reconfigure(config: Uint8Array): void {
    this.net = readNetConfig(config, this.features);
  }

  /**
   * Sends a frame, the first `length` of `bytes`, which stay the caller's. The device may see it only after `submit`.
   * False: no room now.
   */
  send(bytes: Uint8Array, length = bytes.length): boolean {
    if (length < ETH_HEADER_SIZE || length > this.frameBytesMax || length > bytes.length)
      throw new RangeError(`a frame has ${ETH_HEADER_SIZE} to ${this.frameBytesMax} bytes, not ${length}`);
    const { transmitSlots: slots, headerBytes, elements } = this;
    let slot = slots.acquire();
    if (slot === EMPTY) {
      if (this.reclaim() === 0) return false;
      slot = slots.acquire();
    }
    const { region } = slots;
    const at = slots.offsetOf(slot);
    copyBytes(bytes, 0, region.u8, at + headerBytes, length);
    elements.reset();
    if (this.headerApart) elements.addOut(region, at, headerBytes).addOut(region, at + headerBytes, length);
    else elements.addOut(region, at, headerBytes + length);
    if (this.transmitQueue.addDeferred(elements, slot)) return true;
    slots.release(slot);
    return false;
  }

  /** Shows the device everything sent since the last time, and kicks it if it wants that. */
  submit(): boolean {
    this.transmitQueue.publish();
    return this.transmitQueue.kick();
  }

  /** Takes back what the device has sent; `send` does so when it has to. Returns how many frames. */
  reclaim(): number {
    const { transmitQueue: queue, transmitSlots: slots } = this;
    let count = 0;
    for (let slot = queue.getBuf(); slot !== EMPTY; slot = queue.getBuf()) {
      slots.release(slot);
      count++;
    }
    return count;
  }

  /**
   * Copies the next frame to the start of `into`. Returns its length; EMPTY: none is there now.
   * @throws RingError for a broken ring
   */
  receive(into: Uint8Array): number {
    const { receiveQueue: queue } = this;
    // A device that gives nothing but broken packets does not hold the thread.
    for (let left = this.receiveSlots.count; left > 0; left--) {
      const slot = queue.getBuf();
      if (slot === EMPTY) break;
      const length = this.take(slot, into);
      if (this.unposted >= this.postBatch) this.post();
      if (length >= ETH_HEADER_SIZE) return length;
      this.dropped++;
    }
    if (this.unposted > 0) this.post();
    return EMPTY;
  }

  /** A hint: calls for received packets may still come. */
  disableCalls(): void {
    this.receiveQueue.disableCalls();
  }

  /** True: no packet came meanwhile, safe to wait for a call. */
  enableCalls(): boolean {
    return this.receiveQueue.enableCalls();
  }

  /** True if a packet is there that a call was asked for. */
  callDue(): boolean {
    return this.receiveQueue.callDue();
  }

  /** The same for room to send, after `send` found none; such calls are off until they are asked for. */
  disableRoomCalls(): void {
    this.transmitQueue.disableCalls();
  }

  /** True: nothing was sent meanwhile, safe to wait for a call of the transmit queue. */
  enableRoomCalls(): boolean {
    return this.transmitQueue.enableCalls();
  }

  /**
   * Goes on with other queues after the device is gone. What was on its way is lost, as on a cable that was pulled.
   * The caller has received all that the old queue had.
   */
  resume(receive: GuestQueue, transmit: GuestQueue): void {
    this.receiveQueue = receive;
    this.transmitQueue = transmit;
    this.receiveSlots.releaseAll();
    this.transmitSlots.releaseAll();
    this.begin();
  }

  private begin(): void {
    const { receiveSlots, transmitSlots, headerBytes } = this;
    for (let slot = 0; slot < transmitSlots.count; slot++) {
      const at = transmitSlots.offsetOf(slot);
      transmitSlots.region.u8.fill(0, at, at + headerBytes);
    }
    for (let slot = receiveSlots.acquire(); slot !== EMPTY; slot = receiveSlots.acquire()) this.offer(slot);
    this.post();
    this.transmitQueue.disableCalls();
  }

  private checkSlots(which: string, { queue, slots }: QueueWithSlots, frameBytes: number): void {
    const needed = this.headerBytes + frameBytes;
    if (slots.slotBytes < needed)
      throw new RangeError(`${which} slots have ${needed} bytes at least, not ${slots.slotBytes}`);
    const fit = this.headerApart ? queue.size >> 1 : queue.size;
    if (slots.count > fit)
      throw new RangeError(`a ring of ${queue.size} takes ${fit} ${which} slots, not ${slots.count}`);
  }

  /** Copies the packet out whose first buffer is `first`, and offers its buffers again. Returns its length or less. */
  private take(first: number, into: Uint8Array): number {
    const { receiveQueue: queue, receiveSlots: slots, headerBytes } = this;
    const { u8 } = slots.region;
    const at = slots.offsetOf(first);
    const used = queue.usedLength;
    let length = DROPPED;
    let more = 0;
    if (used >= headerBytes) {
      length = this.append(at + headerBytes, used - headerBytes, slots.slotBytes - headerBytes, into, 0);
      // Read once; 0 cannot be meant.
      const buffers = this.mergeable
        ? u8[at + NET_NUM_BUFFERS_OFFSET]! | (u8[at + NET_NUM_BUFFERS_OFFSET + 1]! << 8)
        : 1;
      if (buffers === 0) length = DROPPED;
      more = buffers - 1;
    }
    this.offer(first);
    for (; more > 0; more--) {
      const slot = queue.getBuf();
      // The device makes all buffers of a packet used at once [virtio-v1.2 §5.1.6.4.1].
      if (slot === EMPTY) return DROPPED;
      if (length !== DROPPED)
        length = this.append(slots.offsetOf(slot), queue.usedLength, slots.slotBytes, into, length);
      this.offer(slot);
    }
    return length;
  }

  /** Copies `part` bytes of a buffer with room for `room` behind the `length` that are there. Returns how many are. */
  private append(from: number, part: number, room: number, into: Uint8Array, length: number): number {
    if (part > room || length + part > into.length) return DROPPED;
    copyBytes(this.receiveSlots.region.u8, from, into, length, part);
    return length + part;
  }

  /** Adds a receive buffer; the device sees it after `post`. */
  private offer(slot: number): void {
    const { receiveSlots: slots, elements, headerBytes } = this;
    const { region, slotBytes } = slots;
    const at = slots.offsetOf(slot);
    elements.reset();
    if (this.headerApart)
      elements.addIn(region, at, headerBytes).addIn(region, at + headerBytes, slotBytes - headerBytes);
    else elements.addIn(region, at, slotBytes);
    // There is room: the ring takes as many as there are slots.
    this.receiveQueue.addDeferred(elements, slot);
    this.unposted++;
  }

  private post(): void {
    this.receiveQueue.publish();
    this.receiveQueue.kick();
    this.unposted = 0;
  }
}
