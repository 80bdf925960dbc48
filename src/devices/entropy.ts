/**
 * The entropy device [virtio-v1.2 §5.4]: fills what the guest offers from the system's generator. On the queue's own
 * thread. No byte is given out twice.
 */
import { randomFillSync } from 'node:crypto';
import { VIRTIO_ID_RNG } from '../formats/ids.ts';
import type { Request } from '../host/queue.ts';
import type { Device, DeviceQueue, QueueService } from './device.ts';
import { type RequestHandler, RequestLoop } from './request-loop.ts';
import type { Turn } from './turn.ts';

/** Drawn from the generator at a time: guests mostly ask for some dozens. */
const POOL_SIZE = 4096;

/** The most that one request is given; a device may write less than there is room for [§5.4.6.2]. */
export const ENTROPY_REQUEST_MAX = 65536;

export class EntropyDevice implements Device {
  readonly id = VIRTIO_ID_RNG;
  readonly name = 'entropy';
  readonly features = 0n;
  readonly queueCount = 1;
  readonly config = new Uint8Array(0);

  acknowledge(): void {}

  writeConfig(): boolean {
    return false;
  }

  start(index: number, queue: DeviceQueue): QueueService {
    if (index !== 0) throw new RangeError(`an entropy device has queue 0 alone, not ${index}`);
    return new RequestLoop(queue, new EntropyHandler());
  }

  close(): void {}
}

class EntropyHandler implements RequestHandler {
  failures = 0;
  bytes = 0;
  private readonly pool = new Uint8Array(POOL_SIZE);
  /** Bytes of the pool that were given out. */
  private given = POOL_SIZE;

  serve({ writable }: Request, turn: Turn): number {
    let done = 0;
    while (done < ENTROPY_REQUEST_MAX) {
      if (this.given === POOL_SIZE) {
        randomFillSync(this.pool);
        this.given = 0;
      }
      const count = writable.push(this.pool, this.given, Math.min(POOL_SIZE - this.given, ENTROPY_REQUEST_MAX - done));
      if (count === 0) break;
      this.pool.fill(0, this.given, this.given + count);
      this.given += count;
      done += count;
    }
    // A request without room for a byte: the driver must offer one [§5.4.6.1].
    if (done === 0) this.failures++;
    this.bytes += done;
    turn.spend(done);
    return done;
  }
}
