/**
 * The console device [virtio-v1.2 §5.3]: one port, both of its queues on one thread. Bytes for which the guest has no
 * buffers wait in the port, and what the port has no room for waits in the ring.
 */

import * as con from '../formats/console.ts';
import { VIRTIO_ID_CONSOLE } from '../formats/ids.ts';
import type { Request } from '../host/queue.ts';
import { featureWord } from '../ring/feature-word.ts';
import type { ConsolePort } from './console-port.ts';
import type { Device, DeviceQueue, QueueService } from './device.ts';
import { NOT_NOW, type RequestHandler, RequestLoop } from './request-loop.ts';

/** Moved at a time. */
const CHUNK_SIZE = 4096;

export interface ConsoleDeviceOptions {
  /** Closed with the device. */
  port: ConsolePort;
  /** Default: not said. */
  size?: con.ConsoleSize;
}

export class ConsoleDevice implements Device {
  readonly id = VIRTIO_ID_CONSOLE;
  readonly name = 'console';
  readonly features: bigint;
  readonly queueCount = 2;
  readonly config: Uint8Array;
  private readonly port: ConsolePort;

  constructor({ port, size }: ConsoleDeviceOptions) {
    this.port = port;
    this.features = size === undefined ? 0n : featureWord(con.VIRTIO_CONSOLE_F_SIZE);
    this.config = con.consoleConfig(size ?? null);
  }

  acknowledge(): void {}

  writeConfig(): boolean {
    return false;
  }

  start(index: number, queue: DeviceQueue): QueueService {
    const { port } = this;
    if (index === con.CONSOLE_RECEIVE_QUEUE) {
      port.onReadable = queue.wake;
      port.resume();
      return new RequestLoop(queue, new ReceiveHandler(port));
    }
    if (index === con.CONSOLE_TRANSMIT_QUEUE) {
      port.onWritable = queue.wake;
      return new RequestLoop(queue, new TransmitHandler(port));
    }
    throw new RangeError(`a console device has queues 0 and 1, not ${index}`);
  }

  close(): void {
    this.port.close();
  }
}

class ReceiveHandler implements RequestHandler {
  failures = 0;
  bytes = 0;
  private readonly port: ConsolePort;
  private readonly chunk = new Uint8Array(CHUNK_SIZE);

  constructor(port: ConsolePort) {
    this.port = port;
  }

  serve({ writable }: Request): number {
    const room = Math.min(writable.totalBytes(), CHUNK_SIZE);
    if (room === 0) {
      this.failures++;
      return 0;
    }
    const count = this.port.read(this.chunk, room);
    if (count === 0) {
      this.port.resume();
      return NOT_NOW;
    }
    this.bytes += count;
    return writable.push(this.chunk, 0, count);
  }

  starved(): void {
    this.port.pause();
  }

  stop(): void {
    this.port.onReadable = null;
  }
}

class TransmitHandler implements RequestHandler {
  failures = 0;
  bytes = 0;
  private readonly port: ConsolePort;
  private readonly chunk = new Uint8Array(CHUNK_SIZE);
  /** Of the request that goes on when the port has room again: bytes the port has taken. */
  private taken = 0;

  constructor(port: ConsolePort) {
    this.port = port;
  }

  serve({ readable }: Request): number {
    readable.skip(this.taken);
    for (;;) {
      const count = readable.pull(this.chunk, 0, CHUNK_SIZE);
      if (count === 0) break;
      if (!this.port.write(this.chunk, count)) return NOT_NOW;
      this.taken += count;
      this.bytes += count;
    }
    this.taken = 0;
    return 0;
  }

  stop(): void {
    this.port.onWritable = null;
  }
}
