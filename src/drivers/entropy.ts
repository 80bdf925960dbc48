/** The driver of a virtio entropy device [virtio-v1.2 §5.4]. Guest thread. */
import { ByteReceiver } from './byte-receiver.ts';
import type { QueueWithSlots } from './slots.ts';

/** A stream of random bytes: as many as all slots hold are asked for ahead. No byte is given out twice. */
export class EntropyDriver extends ByteReceiver {
  constructor({ queue, slots }: QueueWithSlots) {
    // A device that says it wrote more than it did would give old bytes again.
    super({ queue, slots, wipes: true });
  }
}
