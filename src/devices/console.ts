/**
 * The console device [virtio-v1.2 §5.3]: one port, both of its queues on one thread. Bytes for which the guest has no
 * buffers wait in the port, and what the port has no room for waits in the ring. A port may take whatever it is given:
 * a turn moves some tens of KiB, however long a request is. What the port has taken it is not given again, also where
 * service ended in the middle of a request.
 */

import * as con from '../formats/console.ts';
import { VIRTIO_ID_CONSOLE } from '../formats/ids.ts';
import type { HostQueue, Request } from '../host/queue.ts';
import { featureWord } from '../ring/feature-word.ts';
import type { ConsolePort } from './console-port.ts';
import type { Device, DeviceQueue, QueueService } from './device.ts';
import { MORE, NOT_NOW, type RequestHandler, RequestLoop } from './request-loop.ts';
import type { Turn } from './turn.ts';
import { Unfinished } from './unfinished.ts';

/** Moved at a time, bytes. */
const CHUNK_SIZE = 4096;

/** Moved in one turn of a queue, bytes. */
export const CONSOLE_TURN_BYTES = 65536;
const LIMITS = { bytesMax: CONSOLE_TURN_BYTES };

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
  /** Of the transmit queue, while it is out of service. */
  private readonly unfinished = new Unfinished();

  constructor({ port, size }: ConsoleDeviceOptions) {
    this.port = port;
    this.features = size === undefined ? 0n : featureWord(con.VIRTIO_CONSOLE_F_SIZE);
    this.config = con.consoleConfig(size ?? null);
  }

  acknowledge(): void {}

  writeConfig(): boolean {
    return false;
  }

  reset(): void {
    this.unfinished.forget();
  }

  start(index: number, queue: DeviceQueue): QueueService {
    const { port, unfinished } = this;
    if (index === con.CONSOLE_RECEIVE_QUEUE) {
      port.onReadable = queue.wake;
      port.resume();
      return new RequestLoop(queue, new ReceiveHandler(port), LIMITS);
    }
    if (index === con.CONSOLE_TRANSMIT_QUEUE) {
      port.onWritable = queue.wake;
      return new RequestLoop(queue, new TransmitHandler(port, queue.queue, unfinished), LIMITS);
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

  serve({ writable }: Request, turn: Turn): number {
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
    turn.spend(count);
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
  private readonly queue: HostQueue;
  private readonly unfinished: Unfinished;
  private readonly chunk = new Uint8Array(CHUNK_SIZE);
  /** The request at hand, and its bytes that the port has taken. */
  private request: Request | null = null;
  private takenBytes = 0;

  constructor(port: ConsolePort, queue: HostQueue, unfinished: Unfinished) {
    this.port = port;
    this.queue = queue;
    this.unfinished = unfinished;
  }

  serve(request: Request, turn: Turn): number {
    const { readable } = request;
    if (this.request === null) {
      this.request = request;
      this.takenBytes = readable.skip(this.unfinished.take(this.queue, request));
    }
    for (let left = CONSOLE_TURN_BYTES; left > 0; ) {
      const count = readable.pull(this.chunk, 0, CHUNK_SIZE);
      if (count === 0) {
        this.request = null;
        return 0;
      }
      if (!this.port.write(this.chunk, count)) {
        readable.rewind();
        readable.skip(this.takenBytes);
        return NOT_NOW;
      }
      this.takenBytes += count;
      this.bytes += count;
      turn.spend(count);
      left -= count;
    }
    return MORE;
  }

  stop(): void {
    this.port.onWritable = null;
    if (this.request === null) return;
    this.unfinished.keep(this.queue, this.request, this.takenBytes);
    this.request = null;
  }
}
