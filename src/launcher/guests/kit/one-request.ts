/** A disk for people: one request at a time, and the wait for it. Guest thread. */
import { type BlockDriver, BlockError } from '../../../drivers/block.ts';
import { VIRTIO_BLK_S_OK } from '../../../formats/block.ts';
import { EMPTY } from '../../../guest/queue.ts';
import type { Guest } from '../../guest.ts';
import { waitForAny } from './wait.ts';

const TIMEOUT_MS = 30_000;

export class OneRequest {
  readonly driver: BlockDriver;
  private readonly guest: Guest;
  private readonly sources: readonly BlockDriver[];

  constructor(guest: Guest, driver: BlockDriver) {
    this.guest = guest;
    this.driver = driver;
    this.sources = [driver];
  }

  /** A copy of `bytes` bytes from `sector` on. @throws BlockError, RangeError */
  read(sector: number, bytes: number): Uint8Array {
    const { driver } = this;
    const slot = this.run(`read of ${bytes} bytes at sector ${sector}`, (slot) => driver.read(slot, sector, bytes));
    const at = driver.dataOffset(slot);
    return driver.region.u8.slice(at, at + bytes);
  }

  /** Writes whole sectors, and makes them last. @throws BlockError, RangeError */
  write(sector: number, bytes: Uint8Array): void {
    const { driver } = this;
    this.run(`write of ${bytes.length} bytes at sector ${sector}`, (slot) => {
      driver.region.u8.set(bytes, driver.dataOffset(slot));
      return driver.write(slot, sector, bytes.length);
    });
    if (driver.disk.canFlush) this.run('flush', (slot) => driver.flush(slot));
  }

  /** The slot, whose data stands until the next request. */
  private run(what: string, start: (slot: number) => boolean): number {
    const { driver } = this;
    const slot = driver.acquire();
    // A request that never came back keeps its slot: there is no other.
    if (slot === EMPTY) throw new RangeError('the disk has not answered an earlier request');
    try {
      start(slot);
      driver.submit();
      while (driver.take() === EMPTY)
        if (!waitForAny(this.guest, this.sources, TIMEOUT_MS)) throw new RangeError(`${what}: no answer`);
    } finally {
      if (driver.inFlight === 0) driver.release(slot);
    }
    if (driver.status !== VIRTIO_BLK_S_OK) throw new BlockError(driver.status, what);
    return slot;
  }
}
