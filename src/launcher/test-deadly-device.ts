/** For tests: a device that takes its thread with it when it is first served. */
import type { Device, DeviceQueue, QueueService } from '../devices/device.ts';
import { EntropyDevice } from '../devices/entropy.ts';
import { sayThread } from '../native/test-thread-end.ts';

const DEATHS = {
  exit: () => process.exit(7),
  throw: () => {
    throw new Error('a fault of the device');
  },
  reject: () => void Promise.reject(new Error('a later fault')),
} satisfies Record<string, () => void>;

/** Plain data. */
export interface DeadlyDeviceOptions {
  readonly how: keyof typeof DEATHS;
  /** Where its thread says its number. */
  readonly thread: SharedArrayBuffer;
}

class DeadlyDevice extends EntropyDevice {
  private readonly death: () => void;

  constructor(death: () => void) {
    super();
    this.death = death;
  }

  override start(index: number, queue: DeviceQueue): QueueService {
    const service = super.start(index, queue);
    const serve = service.serve.bind(service);
    service.serve = () => {
      this.death();
      return serve();
    };
    return service;
  }
}

export function openDevice({ how, thread }: DeadlyDeviceOptions): Device {
  sayThread(thread);
  return new DeadlyDevice(DEATHS[how]);
}
