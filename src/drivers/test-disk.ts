/** A disk in memory behind a `HostQueue`, for tests of the driver: serves what is there when it is told to. */

import {
  SECTOR_SIZE,
  VIRTIO_BLK_ID_BYTES,
  VIRTIO_BLK_S_IOERR,
  VIRTIO_BLK_S_OK,
  VIRTIO_BLK_S_UNSUPP,
  VIRTIO_BLK_T_FLUSH,
  VIRTIO_BLK_T_GET_ID,
  VIRTIO_BLK_T_IN,
  VIRTIO_BLK_T_OUT,
} from '../formats/block.ts';
import { type HostQueue, Request } from '../host/queue.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';

const HEADER_SIZE = 16;

export class TestDisk {
  readonly bytes: Uint8Array;
  readonly id = 'test disk';
  flushes = 0;
  served = 0;
  /** How many elements the last request had. */
  lastElements = 0;
  /** Planted: what the status of every request is, or null as it comes; a request that gets none is completed with 0. */
  forcedStatus: number | null = null;
  silent = false;
  /** Planted: what the used length of a request is too long by, bytes. */
  extraBytes = 0;
  private readonly queue: HostQueue;
  private readonly request: Request;

  constructor(queue: HostQueue, memory: GuestMemory, sizeBytes: number) {
    this.queue = queue;
    this.request = new Request(memory);
    this.bytes = new Uint8Array(sizeBytes);
  }

  /** Serves up to `most` requests; returns how many. */
  serve(most = Number.POSITIVE_INFINITY): number {
    const { queue, request } = this;
    let count = 0;
    while (count < most && queue.next(request)) {
      this.lastElements = request.readable.count + request.writable.count;
      queue.complete(request, (this.silent ? 0 : this.answer()) + this.extraBytes);
      count++;
    }
    this.served += count;
    return count;
  }

  /** @returns bytes written */
  private answer(): number {
    const { readable, writable } = this.request;
    const out = new Uint8Array(readable.totalBytes());
    readable.pull(out, 0, out.length);
    const header = new DataView(out.buffer);
    const at = Number(header.getBigUint64(8, true)) * SECTOR_SIZE;
    const room = writable.totalBytes() - 1;
    const data = new Uint8Array(room + 1);
    let status = VIRTIO_BLK_S_OK;
    const type = header.getUint32(0, true);
    const length = type === VIRTIO_BLK_T_OUT ? out.length - HEADER_SIZE : room;
    if (type === VIRTIO_BLK_T_FLUSH) this.flushes++;
    else if (type === VIRTIO_BLK_T_GET_ID) data.set(new TextEncoder().encode(this.id).subarray(0, VIRTIO_BLK_ID_BYTES));
    else if (type !== VIRTIO_BLK_T_IN && type !== VIRTIO_BLK_T_OUT) status = VIRTIO_BLK_S_UNSUPP;
    else if (at + length > this.bytes.length) status = VIRTIO_BLK_S_IOERR;
    else if (type === VIRTIO_BLK_T_IN) data.set(this.bytes.subarray(at, at + length));
    else this.bytes.set(out.subarray(HEADER_SIZE), at);
    data[room] = this.forcedStatus ?? status;
    return writable.push(data, 0, data.length);
  }
}
