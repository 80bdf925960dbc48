/**
 * The device page: what is on the bus, in command-line order. Launcher's main thread, before the guest starts.
 *
 * It writes descriptors and their fields, places rings in device pages and counts interrupt lines. It serves nothing:
 * a device's thread is told the places.
 */
import {
  LGUEST_CONFIG_LEN_MAX,
  LGUEST_DESC_CONFIG_LEN,
  LGUEST_DESC_SIZE,
  LGUEST_DESC_STATUS,
  LGUEST_DESC_TYPE,
  LGUEST_FIELD_HEADER_SIZE,
  LGUEST_FIELD_LENGTH,
  LGUEST_FIELD_TYPE,
  LGUEST_FIRST_IRQ,
  LGUEST_PAGE_SIZE,
  LGUEST_RING_ALIGN,
  LGUEST_VIRTQUEUE_NUM,
  LGUEST_VQ_IRQ,
  LGUEST_VQ_NUM,
  LGUEST_VQ_PFN,
  LGUEST_VQ_SIZE,
  VIRTIO_CONFIG_F_VIRTQUEUE,
} from '../../formats/lguest-bus.ts';
import { VRING_USED_F_NO_NOTIFY } from '../../ring/constants.ts';
import { alignUp, legacyLayout, type SplitLayout } from '../../ring/split-layout.ts';
import { LauncherError } from '../errors.ts';
import type { PhysicalMemory } from './physical-memory.ts';

/** A queue on the bus and where its ring lies. */
export interface PlacedQueue {
  readonly layout: SplitLayout;
  /** Address of the ring. */
  readonly address: number;
  /** Its pages: a notify of any address in them means this queue. Bytes. */
  readonly sizeBytes: number;
  readonly line: number;
}

/** A device on the bus. Fields and queues are added to the last one only: descriptors lie one behind the other. */
export class PlacedDevice {
  /** Place on the bus, from 0. */
  readonly index: number;
  /** Virtio device number. */
  readonly id: number;
  /** Address of its descriptor, and of the status byte in it. */
  readonly address: number;
  readonly statusAddress: number;
  readonly queues: PlacedQueue[] = [];
  private readonly page: DevicePage;

  constructor(page: DevicePage, index: number, id: number, address: number) {
    this.page = page;
    this.index = index;
    this.id = id;
    this.address = address;
    this.statusAddress = address + LGUEST_DESC_STATUS;
  }

  /** The address of its value. @throws LauncherError `too-many-devices`; RangeError if another device came after this one. */
  addField(type: number, value: Uint8Array): number {
    return this.page.addField(this, type, value);
  }

  /**
   * A queue, its ring and its interrupt line. `handled`: somebody takes its notifications; if not, the guest is told
   * from the start that it need not send any.
   * @throws LauncherError `too-many-devices`, `no-device-memory`; RangeError as `addField` does.
   */
  addVirtqueue(options: { size?: number; handled?: boolean } = {}): PlacedQueue {
    const queue = this.page.placeQueue(this, options.size ?? LGUEST_VIRTQUEUE_NUM, options.handled ?? true);
    this.queues.push(queue);
    return queue;
  }
}

export class DevicePage {
  readonly address: number;
  readonly devices: PlacedDevice[] = [];
  private readonly memory: PhysicalMemory;
  private readonly view: DataView;
  private usedBytes = 0;
  private nextLine = LGUEST_FIRST_IRQ;

  /** Takes the next device page of `memory`: the first one is where guests look. */
  constructor(memory: PhysicalMemory) {
    this.memory = memory;
    this.address = memory.getPages(1);
    this.view = memory.view(this.address, LGUEST_PAGE_SIZE);
  }

  /** Interrupt lines in use, the timer's line 0 included. */
  get lineCount(): number {
    return this.nextLine;
  }

  /** `id`: virtio device number. @throws LauncherError `too-many-devices` */
  addDevice(id: number): PlacedDevice {
    if (!Number.isInteger(id) || id < 1 || id > 0xff) throw new RangeError(`a device has a number to 255, not ${id}`);
    const at = this.roomFor(LGUEST_DESC_SIZE);
    this.usedBytes += LGUEST_DESC_SIZE;
    // The rest of the descriptor is zero already.
    this.view.setUint8(at + LGUEST_DESC_TYPE, id);
    const device = new PlacedDevice(this, this.devices.length, id, this.address + at);
    this.devices.push(device);
    return device;
  }

  addField(device: PlacedDevice, type: number, value: Uint8Array): number {
    const at = this.takeField(device, type, value.length);
    for (const [i, byte] of value.entries()) this.view.setUint8(at + i, byte);
    return this.address + at;
  }

  placeQueue(device: PlacedDevice, size: number, handled: boolean): PlacedQueue {
    const layout = legacyLayout(size, LGUEST_RING_ALIGN);
    // Both kinds of room first: a queue that is refused leaves nothing behind.
    this.roomForField(device, LGUEST_VQ_SIZE);
    const sizeBytes = alignUp(layout.sizeBytes, LGUEST_PAGE_SIZE);
    const address = this.memory.getPages(sizeBytes / LGUEST_PAGE_SIZE);
    const at = this.takeField(device, VIRTIO_CONFIG_F_VIRTQUEUE, LGUEST_VQ_SIZE);
    const queue = { layout, address, sizeBytes, line: this.nextLine++ };
    this.view.setUint16(at + LGUEST_VQ_NUM, size, true);
    this.view.setUint16(at + LGUEST_VQ_IRQ, queue.line, true);
    this.view.setUint32(at + LGUEST_VQ_PFN, address / LGUEST_PAGE_SIZE, true);
    // The used ring's flags are its first 16 bits. No thread has the ring yet: a plain store is enough.
    if (!handled) this.memory.view(address + layout.usedOffset, 2).setUint16(0, VRING_USED_F_NO_NOTIFY, true);
    return queue;
  }

  /** Takes room in the page for a field of the last device: where its value goes. */
  private takeField(device: PlacedDevice, type: number, lengthBytes: number): number {
    const configBytes = this.roomForField(device, lengthBytes);
    const at = this.usedBytes;
    this.usedBytes += LGUEST_FIELD_HEADER_SIZE + lengthBytes;
    this.view.setUint8(at + LGUEST_FIELD_TYPE, type);
    this.view.setUint8(at + LGUEST_FIELD_LENGTH, lengthBytes);
    this.view.setUint8(device.address - this.address + LGUEST_DESC_CONFIG_LEN, configBytes);
    return at + LGUEST_FIELD_HEADER_SIZE;
  }

  /** What the device's fields take with one more, bytes. @throws LauncherError, RangeError as `addField` does. */
  private roomForField(device: PlacedDevice, lengthBytes: number): number {
    const { index, address } = device;
    if (this.devices.at(-1) !== device)
      throw new RangeError(`device ${index} has others behind it: no field can be added to it`);
    const fieldBytes = LGUEST_FIELD_HEADER_SIZE + lengthBytes;
    const configBytes = this.view.getUint8(address - this.address + LGUEST_DESC_CONFIG_LEN) + fieldBytes;
    if (configBytes > LGUEST_CONFIG_LEN_MAX)
      throw new LauncherError(
        'too-many-devices',
        configBytes,
        `: ${configBytes} bytes of fields for device ${index}, ${LGUEST_CONFIG_LEN_MAX} fit`,
      );
    this.roomFor(fieldBytes);
    return configBytes;
  }

  /** Where the next `sizeBytes` of the page are, not taken yet. */
  private roomFor(sizeBytes: number): number {
    const end = this.usedBytes + sizeBytes;
    if (end > LGUEST_PAGE_SIZE)
      throw new LauncherError('too-many-devices', end, `: ${end} bytes of descriptors for one page`);
    return this.usedBytes;
  }
}
