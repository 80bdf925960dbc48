/**
 * The driver of a virtio block device, on one queue [virtio-v1.2 §5.2.6]. Guest thread.
 *
 * It has `depth` slots, each with room for a header, a status and data in guest memory. A slot is one request at a
 * time: acquire it, write its data, send it; `take` names it when it is finished; its data is then the caller's until
 * the slot is sent or released. Nothing is allocated on the way.
 *
 * It does not wait, knows no transport and does not look whether a request lies on the disk: the device does.
 */

import {
  SECTOR_SIZE,
  VIRTIO_BLK_ID_BYTES,
  VIRTIO_BLK_S_IOERR,
  VIRTIO_BLK_S_OK,
  VIRTIO_BLK_S_UNSUPP,
  VIRTIO_BLK_T_BARRIER,
  VIRTIO_BLK_T_FLUSH,
  VIRTIO_BLK_T_GET_ID,
  VIRTIO_BLK_T_IN,
  VIRTIO_BLK_T_OUT,
} from '../formats/block.ts';
import { EMPTY, type GuestQueue } from '../guest/queue.ts';
import { ScatterList } from '../guest/scatter-list.ts';
import { ADDRESS_HIGH_UNIT, type MemoryRegion } from '../memory/region.ts';
import { type BlockConfig, readBlockConfig } from './block-config.ts';
import { Slots } from './slots.ts';

/**
 * A slot's header and status, a cache line for each slot:
 *
 *     +0 type  +4 reserved  +8 sector (64 bits)  +16 status (8 bits)
 */
const HEADER_SIZE = 16;
const STATUS = 16;
const SLOT_HEAD_SIZE = 64;

/** Data starts where a page does: devices read and write files straight from there. */
const DATA_ALIGN = 4096;

/** In the status byte until the device writes it: no device writes this. */
const PENDING = 0xff;

/** Elements of one request beside its data: header and status. */
const FRAME_ELEMENTS = 2;

/** What became of a request that did not succeed. */
export type BlockErrorCode = 'io-error' | 'unsupported' | 'no-status' | 'unknown-status';

export class BlockError extends Error {
  readonly code: BlockErrorCode;
  /** As the device wrote it; 255: it wrote none. */
  readonly status: number;

  constructor(status: number, what: string) {
    const code = ERROR_OF_STATUS[status] ?? 'unknown-status';
    super(`${what}: ${code} (status ${status})`);
    this.name = 'BlockError';
    this.code = code;
    this.status = status;
  }
}

const ERROR_OF_STATUS: Readonly<Record<number, BlockErrorCode>> = {
  [VIRTIO_BLK_S_IOERR]: 'io-error',
  [VIRTIO_BLK_S_UNSUPP]: 'unsupported',
  [PENDING]: 'no-status',
};

export interface BlockDriverOptions {
  queue: GuestQueue;
  /** Where slots lie. */
  region: MemoryRegion;
  /** Where they start in it, a multiple of 4096; `BlockDriver.bytesFor` says how long they are. */
  offset: number;
  /** Requests in flight at most. */
  depth: number;
  /** Room for data of each, bytes. */
  slotBytes: number;
  /** As negotiated. */
  features: bigint;
  /** The configuration space. */
  config: Uint8Array;
}

const dataBytes = (slotBytes: number) => Math.ceil(slotBytes / DATA_ALIGN) * DATA_ALIGN;
const headBytes = (depth: number) => Math.ceil((depth * SLOT_HEAD_SIZE) / DATA_ALIGN) * DATA_ALIGN;

export class BlockDriver {
  readonly disk: BlockConfig;
  readonly depth: number;
  readonly slotBytes: number;
  readonly region: MemoryRegion;
  /** Of the request that `take` returned last: OK 0, IOERR 1, UNSUPP 2, none 255. */
  status = VIRTIO_BLK_S_OK;
  /** Requests sent and not taken back. */
  inFlight = 0;
  /** Requests taken back whose used length was more than the device may write of them: it counts for nothing here. */
  overlongLengths = 0;

  private queue: GuestQueue;
  private readonly headOffset: number;
  /** What the requests' data lies in. */
  private readonly slots: Slots;
  private readonly elements: ScatterList;
  private readonly elementBytesMax: number;
  /** By slot: with the device or not, and what was asked, so that it can be asked again. */
  private readonly sent: Uint8Array;
  private readonly types: Uint8Array;
  private readonly lengths: Uint32Array;

  /** @throws BlockConfigError; RangeError if the slots do not fit the region */
  constructor(options: BlockDriverOptions) {
    const { region, offset, depth, slotBytes } = options;
    if (offset % DATA_ALIGN !== 0 || offset + BlockDriver.bytesFor(depth, slotBytes) > region.sizeBytes)
      throw new RangeError(`${depth} slots of ${slotBytes} bytes at ${offset} do not fit their region`);
    this.disk = readBlockConfig(options.config, options.features);
    this.queue = options.queue;
    this.region = region;
    this.depth = depth;
    this.slotBytes = slotBytes;
    this.headOffset = offset;
    const dataOffset = offset + headBytes(depth);
    this.slots = new Slots({ region, offset: dataOffset, count: depth, slotBytes: dataBytes(slotBytes) });
    this.elementBytesMax = this.disk.elementBytesMax;
    if (slotBytes > this.disk.requestBytesMax)
      throw new RangeError(
        `slots of ${slotBytes} bytes: the device takes ${this.elementBytesMax} bytes in ${this.disk.elementsMax} elements at most`,
      );
    this.elements = new ScatterList(BlockDriver.elementsFor(this.disk, slotBytes));
    this.sent = new Uint8Array(depth);
    this.types = new Uint8Array(depth);
    this.lengths = new Uint32Array(depth);
  }

  /** Guest memory that so many slots need, bytes. */
  static bytesFor(depth: number, slotBytes: number): number {
    return headBytes(depth) + Slots.bytesFor(depth, dataBytes(slotBytes));
  }

  /** Descriptors that a request of `slotBytes` takes in the ring, where it has no indirect table. */
  static elementsFor({ elementBytesMax }: BlockConfig, slotBytes: number): number {
    return FRAME_ELEMENTS + Math.max(1, Math.ceil(slotBytes / elementBytesMax));
  }

  /** A slot for a request, or EMPTY: all are in use. */
  acquire(): number {
    return this.slots.acquire();
  }

  release(slot: number): void {
    this.slots.release(slot);
  }

  /** Where a slot's data lies in the region. */
  dataOffset(slot: number): number {
    return this.slots.offsetOf(slot);
  }

  /** Reads `lengthBytes` from `sector` on into the slot's data. False: the ring has no room now. */
  read(slot: number, sector: number, lengthBytes: number): boolean {
    this.checkData(lengthBytes);
    return this.start(slot, VIRTIO_BLK_T_IN, sector, lengthBytes);
  }

  /**
   * Writes the slot's data. As a barrier, only where `disk.canBarrier`, it comes after all that was sent before, which
   * then lasts, and before all that is sent after. False: the ring has no room now.
   */
  write(slot: number, sector: number, lengthBytes: number, barrier = false): boolean {
    this.checkData(lengthBytes);
    return this.start(slot, VIRTIO_BLK_T_OUT, sector, lengthBytes, barrier ? VIRTIO_BLK_T_BARRIER : 0);
  }

  /** Makes all writes that were taken back so far lasting. Only where `disk.canFlush`. */
  flush(slot: number): boolean {
    return this.start(slot, VIRTIO_BLK_T_FLUSH, 0, 0);
  }

  /** The device's name into the slot's data, 20 bytes. */
  getId(slot: number): boolean {
    return this.start(slot, VIRTIO_BLK_T_GET_ID, 0, VIRTIO_BLK_ID_BYTES);
  }

  /** Shows the device everything sent since the last time, and kicks it if it wants that. */
  submit(): boolean {
    this.queue.publish();
    return this.queue.kick();
  }

  /** The slot of the next finished request, with its `status`; or EMPTY. @throws RingError for a broken ring */
  take(): number {
    const slot = this.queue.getBuf();
    if (slot === EMPTY) return EMPTY;
    if (this.queue.claimedLength > this.queue.usedLength) this.overlongLengths++;
    this.status = this.region.u8[this.headOffset + slot * SLOT_HEAD_SIZE + STATUS]!;
    this.sent[slot] = 0;
    this.inFlight--;
    return slot;
  }

  /** A hint: calls may still come. */
  disableCalls(): void {
    this.queue.disableCalls();
  }

  /** True: nothing was finished meanwhile, safe to wait for a call. */
  enableCalls(): boolean {
    return this.queue.enableCalls();
  }

  /** True if something is finished that a call was asked for. */
  callDue(): boolean {
    return this.queue.callDue();
  }

  /**
   * Goes on with another queue after the device is gone: what was not taken back is sent again, so that the slots stay
   * who they are. The caller has taken back all that the old queue had.
   */
  resume(queue: GuestQueue): number {
    this.queue = queue;
    let again = 0;
    for (let slot = 0; slot < this.depth; slot++) {
      if (this.sent[slot] === 0) continue;
      if (!this.send(slot)) throw new RangeError(`a queue of ${queue.size} is too small for what was in flight`);
      again++;
    }
    return again;
  }

  private checkData(lengthBytes: number): void {
    if (lengthBytes === 0 || lengthBytes > this.slotBytes || lengthBytes % SECTOR_SIZE !== 0)
      throw new RangeError(`a request's data is a multiple of 512 bytes up to ${this.slotBytes}, not ${lengthBytes}`);
  }

  private start(slot: number, type: number, sector: number, lengthBytes: number, flags = 0): boolean {
    if (this.sent[slot] !== 0) throw new RangeError(`slot ${slot} is in flight, or there is none`);
    const word = (this.headOffset + slot * SLOT_HEAD_SIZE) >>> 2;
    const words = this.region.u32;
    words[word] = type | flags;
    words[word + 1] = 0;
    words[word + 2] = sector >>> 0;
    words[word + 3] = sector / ADDRESS_HIGH_UNIT;
    this.types[slot] = type;
    this.lengths[slot] = lengthBytes;
    if (!this.send(slot)) return false;
    this.sent[slot] = 1;
    this.inFlight++;
    return true;
  }

  /** Adds the request whose header stands in the slot. */
  private send(slot: number): boolean {
    const head = this.headOffset + slot * SLOT_HEAD_SIZE;
    const { region, elements, elementBytesMax } = this;
    const written = this.types[slot] !== VIRTIO_BLK_T_OUT;
    region.u8[head + STATUS] = PENDING;
    elements.reset().addOut(region, head, HEADER_SIZE);
    let offset = this.dataOffset(slot);
    for (let left = this.lengths[slot]!; left > 0; ) {
      const length = left < elementBytesMax ? left : elementBytesMax;
      if (written) elements.addIn(region, offset, length);
      else elements.addOut(region, offset, length);
      offset += length;
      left -= length;
    }
    elements.addIn(region, head + STATUS, 1);
    return this.queue.addDeferred(elements, slot);
  }
}
