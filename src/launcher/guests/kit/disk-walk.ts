/**
 * One walk over a disk, or a part of it, in blocks, with as many requests in flight as the driver has slots. Guest thread. What is
 * written comes from the pattern, what is read is compared with it, byte for byte. Nothing is allocated per request.
 */

import { type BlockDriver, BlockError } from '../../../drivers/block.ts';
import { SECTOR_SIZE, VIRTIO_BLK_S_OK } from '../../../formats/block.ts';
import { EMPTY } from '../../../guest/queue.ts';
import type { Guest } from '../../guest.ts';
import { checkPattern, fillPattern, SAME } from './pattern.ts';
import { waitForAny } from './wait.ts';

/** A disk that finishes nothing for so long is gone. */
const DISK_TIMEOUT_MS = 30_000;

/** Why a disk is not what it should be. */
export class DiskError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DiskError';
  }
}

export interface WalkOptions {
  readonly writes: boolean;
  readonly seed: number;
  /** From byte `start` to before `end`, multiples of 512. */
  readonly start: number;
  readonly end: number;
  /** Bytes of each request; the last one may have less. */
  readonly blockBytes: number;
  /** A write at a multiple of this is a barrier, among the others in flight; 0: none is. */
  readonly barrierBytes: number;
  /** Called whenever this many bytes more are done, with how many are done in all. */
  readonly everyBytes: number;
  readonly onProgress: (doneBytes: number) => void;
}

export class DiskWalker {
  private readonly guest: Guest;
  private readonly driver: BlockDriver;
  private readonly sources: readonly BlockDriver[];
  /** By slot: the sector its request starts at. */
  private readonly sectors: Float64Array;

  constructor(guest: Guest, driver: BlockDriver) {
    this.guest = guest;
    this.driver = driver;
    this.sources = [driver];
    this.sectors = new Float64Array(driver.depth);
  }

  /** @throws DiskError at the first byte that differs, or request that fails; requests may then be in flight */
  walk({ writes, seed, start, end, blockBytes, barrierBytes, everyBytes, onProgress }: WalkOptions): void {
    const { driver, sectors } = this;
    const words = driver.region.i32;
    const sizeBytes = end - start;
    let next = start;
    let done = 0;
    let told = 0;
    driver.disableCalls();
    while (done < sizeBytes) {
      let sent = 0;
      while (next < end) {
        const slot = driver.acquire();
        if (slot === EMPTY) break;
        const length = Math.min(blockBytes, end - next);
        const sector = next / SECTOR_SIZE;
        if (writes) fillPattern(words, driver.dataOffset(slot) >>> 2, seed, sector, length / SECTOR_SIZE);
        const started = writes
          ? driver.write(slot, sector, length, next % barrierBytes === 0)
          : driver.read(slot, sector, length);
        if (!started) {
          driver.release(slot);
          break;
        }
        sectors[slot] = sector;
        next += length;
        sent++;
      }
      if (sent > 0) driver.submit();
      let slot = driver.take();
      if (slot === EMPTY) {
        this.wait();
        slot = driver.take();
      }
      for (; slot !== EMPTY; slot = driver.take()) {
        const sector = sectors[slot]!;
        const length = Math.min(blockBytes, end - sector * SECTOR_SIZE);
        if (driver.status !== VIRTIO_BLK_S_OK) throw this.failed(writes, sector, length);
        if (!writes) this.check(slot, seed, sector, length);
        driver.release(slot);
        done += length;
      }
      if (done - told >= everyBytes) {
        told = done;
        onProgress(done);
      }
    }
  }

  /** Everything written so far lasts; where the disk knows no flush it does so by itself. @throws DiskError */
  flush(): void {
    const { driver } = this;
    if (!driver.disk.canFlush) return;
    const slot = driver.acquire();
    driver.flush(slot);
    driver.submit();
    let taken = driver.take();
    for (; taken === EMPTY; taken = driver.take()) this.wait();
    driver.release(taken);
    if (driver.status !== VIRTIO_BLK_S_OK) throw new DiskError(new BlockError(driver.status, 'flush').message);
  }

  private wait(): void {
    if (!waitForAny(this.guest, this.sources, DISK_TIMEOUT_MS))
      throw new DiskError(`the disk finished none of ${this.driver.inFlight} requests in ${DISK_TIMEOUT_MS / 1000} s`);
  }

  private check(slot: number, seed: number, sector: number, length: number): void {
    const { driver } = this;
    const words = driver.region.i32;
    const start = driver.dataOffset(slot) >>> 2;
    const wrong = checkPattern(words, start, seed, sector, length / SECTOR_SIZE);
    if (wrong === SAME) return;
    const found = (words[start + (wrong >>> 2)]! >>> 0).toString(16).padStart(8, '0');
    const byte = sector * SECTOR_SIZE + wrong;
    throw new DiskError(`byte ${byte} differs, in sector ${Math.floor(byte / SECTOR_SIZE)}: found word 0x${found}`);
  }

  private failed(writes: boolean, sector: number, length: number): DiskError {
    const what = `${writes ? 'write' : 'read'} of ${length} bytes at sector ${sector}`;
    return new DiskError(new BlockError(this.driver.status, what).message);
  }
}
