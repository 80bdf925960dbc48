/** For tests: a device that answers every request with its own bytes, on as many queues as asked for. */
import type { Device, DeviceQueue, QueueService } from '../../devices/device.ts';
import { LATER, type RequestHandler, RequestLoop } from '../../devices/request-loop.ts';
import type { Request } from '../../host/queue.ts';
import { lazyCalls } from '../../native/libc.ts';

interface Calls {
  pthread_mutex_lock(mutex: Uint8Array): number;
}

const calls = lazyCalls<Calls>({ pthread_mutex_lock: 'int pthread_mutex_lock(void *mutex)' });
/** Zeros are an ordinary one that is free; the bytes stay where they are. */
const mutex = new Uint8Array(new ArrayBuffer(64));

export interface EchoOptions {
  readonly queueCount?: number;
  readonly id?: number;
  readonly features?: bigint;
  /** A thread ends when it serves a request, or takes two bytes of configuration, that start with this number. */
  readonly deadly?: number;
  /** A thread never comes back from a request, or two bytes of configuration, that start with `at`. */
  readonly stuck?: Stuck;
  /** A request that starts with this number is kept until its queue stops. */
  readonly kept?: number;
}

interface Stuck {
  readonly at: number;
  /** JavaScript can be terminated; a lock of libc, which no signal interrupts, cannot. */
  readonly in: 'a loop' | 'a lock';
}

/** As a module of devices in threads of their own. */
export function openDevice(options: EchoOptions): EchoDevice {
  return new EchoDevice(options);
}

const CONFIG_SIZE = 8;

class EchoHandler implements RequestHandler {
  failures = 0;
  bytes = 0;
  /** Requests kept while the device is told to hold them. */
  readonly held: Request[] = [];
  loop: RequestLoop | null = null;
  private readonly device: EchoDevice;
  private readonly buffer = new Uint8Array(4096);

  constructor(device: EchoDevice) {
    this.device = device;
  }

  serve(request: Request): number {
    if (this.device.throws !== null) throw this.device.throws;
    return this.device.holds || this.firstNumber(request) === this.device.kept
      ? this.hold(request)
      : this.answer(request);
  }

  /** Lets go of what is held; those for whom nobody waits are finished as well. */
  stop(): void {
    for (const request of this.held.splice(0)) this.loop!.finish(request, this.answer(request));
  }

  private hold(request: Request): number {
    this.held.push(request);
    this.device.heldCount++;
    return LATER;
  }

  private get firstOfBuffer(): number {
    return new DataView(this.buffer.buffer).getUint32(0, true);
  }

  /** Looked at, not taken. */
  private firstNumber({ readable }: Request): number {
    readable.pull(this.buffer, 0, 4);
    readable.rewind();
    return this.firstOfBuffer;
  }

  private answer({ readable, writable }: Request): number {
    const length = readable.pull(this.buffer, 0, this.buffer.length);
    // In a worker this ends the thread.
    if (this.firstOfBuffer === this.device.deadly) process.exit(7);
    if (this.firstOfBuffer === this.device.stuck?.at) this.device.stickFast();
    this.bytes += length;
    return writable.push(this.buffer, 0, length);
  }
}

export class EchoDevice implements Device {
  readonly id: number;
  readonly name = 'echo';
  readonly features: bigint;
  readonly queueCount: number;
  readonly config = Uint8Array.from({ length: CONFIG_SIZE }, (_, i) => i + 1);
  acknowledged = 0n;
  closed = false;
  /** Requests held so far. */
  heldCount = 0;
  /** Requests are kept from now on, until their queue stops. */
  holds = false;
  /** What serving throws, a device with a fault. */
  throws: Error | null = null;

  readonly deadly: number;
  readonly stuck: Stuck | undefined;
  readonly kept: number;

  constructor({ queueCount = 1, id = 42, features = 1n, deadly = -1, stuck, kept = -1 }: EchoOptions = {}) {
    this.deadly = deadly;
    this.stuck = stuck;
    this.kept = kept;
    this.queueCount = queueCount;
    this.id = id;
    this.features = features;
  }

  stickFast(): void {
    if (this.stuck?.in === 'a loop') for (;;);
    // Locked twice by one thread.
    for (let i = 0; i < 2; i++) calls().pthread_mutex_lock(mutex);
  }

  acknowledge(features: bigint): void {
    this.acknowledged = features;
  }

  writeConfig(offset: number, bytes: Uint8Array): boolean {
    if (offset + bytes.length > CONFIG_SIZE) return false;
    const number = bytes.length < 2 ? null : (bytes[0]! << 8) | bytes[1]!;
    if (number === this.deadly) process.exit(7);
    if (number === this.stuck?.at) this.stickFast();
    this.config.set(bytes, offset);
    return true;
  }

  start(_index: number, queue: DeviceQueue): QueueService {
    const handler = new EchoHandler(this);
    handler.loop = new RequestLoop(queue, handler);
    return handler.loop;
  }

  close(): void {
    this.closed = true;
  }
}
