/**
 * The launcher's bus as a guest finds it: the device page is walked once, copied, and every queue can be opened.
 * Guest thread. Where what stands: src/formats/lguest-bus.ts.
 *
 * Nothing is negotiated unless the device has a DEVICE field: a device's queues and fields say what it can do. It does
 * not wait; whoever does finds the interrupt line of each queue here.
 */
import type { Doorbell } from '../doorbell/doorbell.ts';
import {
  LGUEST_DESC_CONFIG_LEN,
  LGUEST_DESC_SIZE,
  LGUEST_DESC_STATUS,
  LGUEST_DESC_TYPE,
  LGUEST_FEATURES_ACCEPTED,
  LGUEST_FEATURES_OFFERED,
  LGUEST_FEATURES_SIZE,
  LGUEST_FIELD_HEADER_SIZE,
  LGUEST_FIELD_LENGTH,
  LGUEST_FIELD_TYPE,
  LGUEST_FIRST_IRQ,
  LGUEST_PAGE_SIZE,
  LGUEST_RING_ALIGN,
  LGUEST_VQ_IRQ,
  LGUEST_VQ_NUM,
  LGUEST_VQ_PFN,
  LGUEST_VQ_SIZE,
  VIRTIO_CONFIG_F_DEVICE,
  VIRTIO_CONFIG_F_VIRTQUEUE,
  VIRTIO_CONFIG_S_ACKNOWLEDGE,
  VIRTIO_CONFIG_S_DRIVER,
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_CONFIG_S_FAILED,
} from '../formats/lguest-bus.ts';
import { SplitVirtqueue } from '../guest/split-virtqueue.ts';
import { MemoryRegion } from '../memory/region.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { NO_FEATURES } from '../ring/features.ts';
import { legacyLayout, SplitRing } from '../ring/split-layout.ts';

/** What the bus needs of the machine that a guest runs on. */
export interface BusMachine {
  /** All physical memory; address = offset. */
  readonly memory: { readonly buffer: SharedArrayBuffer };
  /** Address of the device page. */
  readonly devicePage: number;
  /** Kicks the queue whose ring the address lies in. */
  notify(address: number): void;
  /** Writes a device's status byte, by its place on the bus from 0. */
  setStatus(device: number, status: number): void;
}

/** A device page, or a device in it, that no guest can use. */
export class BusError extends Error {
  /** The number that was wrong. */
  readonly value: number;

  constructor(what: string, value: number) {
    super(`the device page makes no sense: ${what} ${value}`);
    this.name = 'BusError';
    this.value = value;
  }
}

/** A queue's field. */
export interface BusQueue {
  /** Descriptors. */
  readonly size: number;
  /** The interrupt that its completions raise, from 1. */
  readonly line: number;
  /** Address of its ring: what is notified. */
  readonly address: number;
}

export interface BusField {
  readonly type: number;
  readonly value: Uint8Array;
}

/** Kicks a queue by a hypercall. The machine may tell nobody: it counts its calls. */
class NotifyDoorbell implements Doorbell {
  rings = 0;
  readonly wakeSyscalls = 0;
  private readonly machine: BusMachine;
  private readonly address: number;

  constructor(machine: BusMachine, address: number) {
    this.machine = machine;
    this.address = address;
  }

  ring(): void {
    this.rings++;
    this.machine.notify(this.address);
  }

  resetCounters(): void {
    this.rings = 0;
  }
}

export class BusDevice {
  /** Place on the bus, from 0. */
  readonly index: number;
  /** Virtio device number. */
  readonly id: number;
  /** In the order of their fields. */
  readonly queues: readonly BusQueue[];
  /** What else it has. */
  readonly fields: readonly BusField[];
  /** Its descriptor with all fields. */
  readonly sizeBytes: number;
  private readonly bus: LguestBus;
  private readonly descriptor: number;
  /** Address of the value of its DEVICE field; null: there is none. */
  private readonly featuresAt: number | null;

  /** Copies the descriptor at `address`. @throws BusError */
  constructor(bus: LguestBus, index: number, address: number) {
    const { view, end } = bus;
    this.bus = bus;
    this.index = index;
    this.descriptor = address;
    this.id = view.getUint8(address + LGUEST_DESC_TYPE);
    const configEnd = address + LGUEST_DESC_SIZE + view.getUint8(address + LGUEST_DESC_CONFIG_LEN);
    if (configEnd > end) throw new BusError(`device ${index} ends at`, configEnd);
    const queues: BusQueue[] = [];
    const fields: BusField[] = [];
    let featuresAt: number | null = null;
    for (let at = address + LGUEST_DESC_SIZE; at < configEnd; ) {
      const valueAt = at + LGUEST_FIELD_HEADER_SIZE;
      if (valueAt > configEnd) throw new BusError(`a field of device ${index} passes its end:`, valueAt);
      const type = view.getUint8(at + LGUEST_FIELD_TYPE);
      const length = view.getUint8(at + LGUEST_FIELD_LENGTH);
      if (valueAt + length > configEnd) throw new BusError(`field ${type} of device ${index} has length`, length);
      if (type === VIRTIO_CONFIG_F_VIRTQUEUE) queues.push(this.readQueue(valueAt, length));
      else fields.push({ type, value: Uint8Array.from({ length }, (_, i) => view.getUint8(valueAt + i)) });
      if (type === VIRTIO_CONFIG_F_DEVICE) {
        if (length !== LGUEST_FEATURES_SIZE) throw new BusError(`features of device ${index} have length`, length);
        featuresAt = valueAt;
      }
      at = valueAt + length;
    }
    this.queues = queues;
    this.fields = fields;
    this.featuresAt = featuresAt;
    this.sizeBytes = configEnd - address;
  }

  /** The status byte as it stands. */
  get status(): number {
    return this.bus.view.getUint8(this.descriptor + LGUEST_DESC_STATUS);
  }

  /** The value of a field; null: the device has none. @throws BusError for one of another length. */
  field(type: number, length: number): Uint8Array | null {
    const found = this.fields.find((field) => field.type === type);
    if (found === undefined) return null;
    if (found.value.length !== length)
      throw new BusError(`field ${type} of device ${this.index} has length`, found.value.length);
    return found.value;
  }

  /** Accepts those of the offered features that are `understood`, and returns them; null: the device has no choice. */
  negotiate(understood: bigint): bigint | null {
    const { featuresAt, bus } = this;
    if (featuresAt === null) return null;
    const offered = bus.view.getUint32(featuresAt + LGUEST_FEATURES_OFFERED, true);
    const accepted = BigInt(offered) & understood;
    bus.view.setUint32(featuresAt + LGUEST_FEATURES_ACCEPTED, Number(accepted), true);
    return accepted;
  }

  /** A driver takes the device: `build` it, and the device is told how that went. @throws what `build` throws */
  drive<Driver>(build: () => Driver): Driver {
    this.addStatus(VIRTIO_CONFIG_S_ACKNOWLEDGE);
    this.addStatus(VIRTIO_CONFIG_S_DRIVER);
    try {
      const driver = build();
      this.addStatus(VIRTIO_CONFIG_S_DRIVER_OK);
      return driver;
    } catch (error) {
      this.addStatus(VIRTIO_CONFIG_S_FAILED);
      throw error;
    }
  }

  /** The driver side of a queue; once each. @throws BusError, RingError for a ring that cannot be */
  openQueue(index: number): SplitVirtqueue {
    const queue = this.queues[index];
    if (queue === undefined) throw new BusError(`device ${this.index} has no queue`, index);
    const { machine, region } = this.bus;
    const name = `queue ${index} of device ${this.index}`;
    const layout = legacyLayout(queue.size, LGUEST_RING_ALIGN);
    const ring = SplitRing.within(region, queue.address, layout, name, NO_FEATURES.eventIdx);
    // The memory of a new machine is zero: both indices stand at 0, and the device may be looking at them already.
    return new SplitVirtqueue({
      ring,
      shared: bindRing(seqcst, ring),
      features: NO_FEATURES,
      doorbell: new NotifyDoorbell(machine, queue.address),
      startIndex: 0,
      name,
    });
  }

  private readQueue(at: number, length: number): BusQueue {
    const { view } = this.bus;
    if (length !== LGUEST_VQ_SIZE) throw new BusError(`a queue of device ${this.index} has length`, length);
    const line = view.getUint16(at + LGUEST_VQ_IRQ, true);
    if (line < LGUEST_FIRST_IRQ) throw new BusError(`a queue of device ${this.index} has interrupt`, line);
    return {
      size: view.getUint16(at + LGUEST_VQ_NUM, true),
      line,
      address: view.getUint32(at + LGUEST_VQ_PFN, true) * LGUEST_PAGE_SIZE,
    };
  }

  private addStatus(bit: number): void {
    this.bus.machine.setStatus(this.index, this.status | bit);
  }
}

export class LguestBus {
  readonly machine: BusMachine;
  /** All physical memory. */
  readonly region: MemoryRegion;
  /** In the order of the page. */
  readonly devices: readonly BusDevice[];
  /** Of physical memory; descriptors are unaligned. */
  readonly view: DataView;
  /** End of the device page. */
  readonly end: number;

  /** Finds all devices. @throws BusError */
  constructor(machine: BusMachine) {
    const { memory, devicePage } = machine;
    this.machine = machine;
    this.region = new MemoryRegion({ guestBase: 0, buffer: memory });
    this.view = new DataView(memory.buffer);
    this.end = devicePage + LGUEST_PAGE_SIZE;
    if (devicePage % LGUEST_PAGE_SIZE !== 0 || this.end > this.region.sizeBytes)
      throw new BusError('it lies at', devicePage);
    const devices: BusDevice[] = [];
    for (let at = devicePage; at + LGUEST_DESC_SIZE <= this.end && this.view.getUint8(at + LGUEST_DESC_TYPE) !== 0; ) {
      const device = new BusDevice(this, devices.length, at);
      devices.push(device);
      at += device.sizeBytes;
    }
    this.devices = devices;
  }

  /** All of a kind, by virtio device number. */
  devicesOf(id: number): BusDevice[] {
    return this.devices.filter((device) => device.id === id);
  }
}
