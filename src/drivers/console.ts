/**
 * The driver of a virtio console, its one port without MULTIPORT [virtio-v1.2 §5.3.6]: two streams of bytes. Guest
 * thread. It does not wait and knows no transport; what is written is copied, nothing is allocated.
 */
import { type ConsoleSize, VIRTIO_CONSOLE_F_SIZE } from '../formats/console.ts';
import { EMPTY, type GuestQueue } from '../guest/queue.ts';
import { ScatterList } from '../guest/scatter-list.ts';
import { copyBytes } from '../memory/copy.ts';
import { featureWord } from '../ring/feature-word.ts';
import { ByteReceiver } from './byte-receiver.ts';
import type { QueueWithSlots, Slots } from './slots.ts';

/** The device's own features that this driver understands. */
export const CONSOLE_FEATURES = featureWord(VIRTIO_CONSOLE_F_SIZE);

/** Of the configuration space: cols and rows (16 bits each). Bytes. */
export const CONSOLE_CONFIG_SIZE = 4;

/** Null: the device does not say. */
export function readTerminalSize(config: Uint8Array, features: bigint): ConsoleSize | null {
  if ((features & CONSOLE_FEATURES) === 0n || config.byteLength < CONSOLE_CONFIG_SIZE) return null;
  const view = new DataView(config.buffer, config.byteOffset, config.byteLength);
  return { cols: view.getUint16(0, true), rows: view.getUint16(2, true) };
}

export interface ConsoleDriverOptions {
  readonly receive: QueueWithSlots;
  readonly transmit: QueueWithSlots;
  /** As negotiated. */
  readonly features: bigint;
  /** The configuration space; empty if it cannot be read. */
  readonly config: Uint8Array;
}

export class ConsoleDriver {
  /** What the device said of the terminal last. */
  size: ConsoleSize | null;
  /** Bytes from the device: `input.read`, and its calls. */
  readonly input: ByteReceiver;
  private readonly features: bigint;
  private queue: GuestQueue;
  private readonly slots: Slots;
  private readonly elements = new ScatterList(1);

  /** @throws RangeError if slots are too many for their ring */
  constructor({ receive, transmit, features, config }: ConsoleDriverOptions) {
    const { queue, slots } = transmit;
    if (slots.count > queue.size) throw new RangeError(`a ring of ${queue.size} takes no ${slots.count} slots`);
    this.features = features;
    this.size = readTerminalSize(config, features);
    this.input = new ByteReceiver(receive);
    this.queue = queue;
    this.slots = slots;
    queue.disableCalls();
  }

  /** Reads the configuration space again: the device changed it. */
  reconfigure(config: Uint8Array): void {
    this.size = readTerminalSize(config, this.features);
  }

  /** Sends bytes from `from` to before `end`. Returns how many there was room for; 0: none now. @throws RingError */
  write(bytes: Uint8Array, from = 0, end = bytes.length): number {
    const { queue, slots, elements } = this;
    const { region, slotBytes } = slots;
    let at = from;
    while (at < end) {
      const slot = this.acquire();
      if (slot === EMPTY) break;
      const part = Math.min(slotBytes, end - at);
      const offset = slots.offsetOf(slot);
      copyBytes(bytes, at, region.u8, offset, part);
      elements.reset().addOut(region, offset, part);
      // There is room: the ring takes as many as there are slots.
      queue.addDeferred(elements, slot);
      at += part;
    }
    if (at > from) {
      queue.publish();
      queue.kick();
    }
    return at - from;
  }

  /** Pieces sent that the device has not taken yet. @throws RingError */
  get inFlight(): number {
    this.reclaim();
    return this.slots.inUse;
  }

  /** A hint: calls may still come. */
  disableRoomCalls(): void {
    this.queue.disableCalls();
  }

  /** True: the device took nothing meanwhile, safe to wait for a call of the transmit queue. Off until asked for. */
  enableRoomCalls(): boolean {
    return this.queue.enableCalls();
  }

  /** Goes on with other queues after the device is gone; what was on its way is lost. */
  resume(receive: GuestQueue, transmit: GuestQueue): void {
    this.input.resume(receive);
    this.queue = transmit;
    this.slots.releaseAll();
    transmit.disableCalls();
  }

  private acquire(): number {
    const free = this.slots.acquire();
    if (free !== EMPTY) return free;
    this.reclaim();
    return this.slots.acquire();
  }

  private reclaim(): void {
    const { queue, slots } = this;
    for (let slot = queue.getBuf(); slot !== EMPTY; slot = queue.getBuf()) slots.release(slot);
  }
}
