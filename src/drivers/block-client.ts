/**
 * A block device as promises, over its driver: for tools and tests, not for measuring. Guest thread. Requests beyond
 * the driver's slots wait for one. What connects it calls `serve` when the device called, and `fail` when it is gone.
 *
 * Every promise settles once `serve` or `fail` is called: a queue that breaks rejects them all, and those to come.
 */

import {
  VIRTIO_BLK_ID_BYTES,
  VIRTIO_BLK_S_OK,
  VIRTIO_BLK_T_FLUSH,
  VIRTIO_BLK_T_GET_ID,
  VIRTIO_BLK_T_IN,
  VIRTIO_BLK_T_OUT,
} from '../formats/block.ts';
import { EMPTY } from '../guest/queue.ts';
import { RingError } from '../ring/errors.ts';
import { type BlockDriver, BlockError } from './block.ts';

interface Operation {
  readonly type: number;
  readonly what: string;
  readonly sector: number;
  /** What is written, or read into. */
  readonly bytes: Uint8Array;
  resolve(): void;
  reject(error: Error): void;
}

const NOTHING = new Uint8Array(0);

export class BlockClient {
  private readonly driver: BlockDriver;
  private readonly bySlot: (Operation | undefined)[];
  private waiting: Operation[] = [];
  private failure: Error | null = null;

  constructor(driver: BlockDriver) {
    this.driver = driver;
    this.bySlot = Array.from({ length: driver.depth }, () => undefined);
  }

  /** Fills `bytes`, at most a slot of them, from `sector` on. Rejects with a BlockError, or with why the device is gone. */
  read(sector: number, bytes: Uint8Array): Promise<void> {
    return this.submit(VIRTIO_BLK_T_IN, `read of ${bytes.length} bytes from sector ${sector}`, sector, bytes);
  }

  /** Writes `bytes`, at most a slot of them. They are copied when the request gets its slot: leave them until then. */
  write(sector: number, bytes: Uint8Array): Promise<void> {
    return this.submit(VIRTIO_BLK_T_OUT, `write of ${bytes.length} bytes to sector ${sector}`, sector, bytes);
  }

  flush(): Promise<void> {
    return this.submit(VIRTIO_BLK_T_FLUSH, 'flush', 0, NOTHING);
  }

  /** The device's name. */
  async getId(): Promise<string> {
    const bytes = new Uint8Array(VIRTIO_BLK_ID_BYTES);
    await this.submit(VIRTIO_BLK_T_GET_ID, 'get id', 0, bytes);
    const end = bytes.indexOf(0);
    return Buffer.from(bytes.subarray(0, end === -1 ? bytes.length : end)).toString('latin1');
  }

  /** Takes back what is finished, until nothing is. A broken ring is told by the promises: all reject with it. */
  serve(): void {
    const { driver } = this;
    if (this.failure !== null) return;
    try {
      do {
        for (let slot = driver.take(); slot !== EMPTY; slot = driver.take()) this.finish(slot, driver.status);
        this.startWaiting();
      } while (this.failure === null && !driver.enableCalls());
    } catch (error) {
      this.fail(error as Error);
    }
  }

  /**
   * The device is gone for good: everything under way and to come is rejected with `error`. After the first failure
   * there is nothing left to fail.
   */
  fail(error: Error): void {
    if (this.failure !== null) return;
    this.failure = error;
    const pending = [...this.bySlot.filter((operation) => operation !== undefined), ...this.waiting];
    this.bySlot.fill(undefined);
    this.waiting = [];
    for (const operation of pending) operation.reject(error);
  }

  private submit(type: number, what: string, sector: number, bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.failure !== null) throw this.failure;
      this.waiting.push({ type, what, sector, bytes, resolve, reject });
      this.startWaiting();
    });
  }

  private startWaiting(): void {
    let started = false;
    try {
      while (this.waiting.length > 0) {
        const slot = this.driver.acquire();
        if (slot === EMPTY) break;
        if (!this.start(slot, this.waiting[0]!)) break;
        this.waiting.shift();
        started = true;
      }
      if (started) this.driver.submit();
    } catch (error) {
      this.fail(error as Error);
    }
  }

  /** False: the ring has no room now. What the driver refuses is rejected, and done with. @throws RingError */
  private start(slot: number, operation: Operation): boolean {
    const { driver } = this;
    const { type, sector, bytes } = operation;
    let sent = true;
    try {
      if (type === VIRTIO_BLK_T_IN) sent = driver.read(slot, sector, bytes.length);
      else if (type === VIRTIO_BLK_T_FLUSH) sent = driver.flush(slot);
      else if (type === VIRTIO_BLK_T_GET_ID) sent = driver.getId(slot);
      else {
        if (bytes.length <= driver.slotBytes) driver.region.u8.set(bytes, driver.dataOffset(slot));
        sent = driver.write(slot, sector, bytes.length);
      }
    } catch (error) {
      driver.release(slot);
      // Not this request's fault: none after it will do better.
      if (error instanceof RingError) throw error;
      operation.reject(error as Error);
      return true;
    }
    if (sent) this.bySlot[slot] = operation;
    else driver.release(slot);
    return sent;
  }

  private finish(slot: number, status: number): void {
    const { driver } = this;
    const operation = this.bySlot[slot];
    this.bySlot[slot] = undefined;
    if (operation !== undefined) this.settle(slot, operation, status);
    driver.release(slot);
  }

  private settle(slot: number, operation: Operation, status: number): void {
    if (status !== VIRTIO_BLK_S_OK) {
      operation.reject(new BlockError(status, operation.what));
      return;
    }
    try {
      this.copyOut(slot, operation);
      operation.resolve();
    } catch (error) {
      operation.reject(error as Error);
    }
  }

  /** @throws TypeError, RangeError for bytes that the caller has given away meanwhile */
  private copyOut(slot: number, { type, bytes }: Operation): void {
    if (type !== VIRTIO_BLK_T_IN && type !== VIRTIO_BLK_T_GET_ID) return;
    const { driver } = this;
    const at = driver.dataOffset(slot);
    bytes.set(driver.region.u8.subarray(at, at + bytes.length));
  }
}
