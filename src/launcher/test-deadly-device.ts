/** For tests: a device that takes its thread with it when its guest first kicks it. */
import type { Device, DeviceQueue, QueueService } from '../devices/device.ts';
import { EntropyDevice } from '../devices/entropy.ts';

const DEATHS: Record<string, () => void> = {
  exit: () => process.exit(7),
  throw: () => {
    throw new Error('a fault of the device');
  },
  reject: () => void Promise.reject(new Error('a later fault')),
};

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

export const openDevice = (how: string): Device => new DeadlyDevice(DEATHS[how]!);
