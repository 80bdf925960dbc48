/**
 * A machine out of its parts: memory, devices on the bus in their order, images and boot parameters; and what each
 * thread is started with. The launcher's thread, before the guest runs.
 */
import { DOORBELLS } from '../doorbell/index.ts';
import {
  LGUEST_FEATURES_ACCEPTED,
  LGUEST_FEATURES_OFFERED,
  LGUEST_FEATURES_SIZE,
  VIRTIO_CONFIG_F_DEVICE,
} from '../formats/lguest-bus.ts';
import { libc, whyUnavailable } from '../native/libc.ts';
import type { DevicePlan, QueuePlan } from './device-plan.ts';
import type { DeviceDescription } from './device-service.ts';
import type { GuestBoot, RingDoorbell } from './guest-boot.ts';
import { makeInterruptLines } from './interrupts.ts';
import { DevicePage, type PlacedDevice } from './machine/device-page.ts';
import { loadFiles } from './machine/load-files.ts';
import { PhysicalMemory } from './machine/physical-memory.ts';

export interface MachineOptions {
  readonly memoryMb: number;
  /** URL of the guest's code. */
  readonly entry: string;
  /** Path of an initrd; null: none. */
  readonly initrd: string | null;
  readonly args: readonly string[];
  /** In the order of the bus. */
  readonly devices: readonly DeviceDescription[];
  readonly verbose: (line: string) => void;
}

export interface Machine {
  readonly boot: GuestBoot;
  /** In the order of the bus. */
  readonly plans: readonly DevicePlan[];
}

/** @throws LauncherError */
export function buildMachine(options: MachineOptions): Machine {
  const memory = new PhysicalMemory(options.memoryMb);
  const page = new DevicePage(memory);
  const placed = options.devices.map((description) => placeDevice(page, description));
  const { initrd, args, verbose } = options;
  if (whyUnavailable() === null) {
    const base = libc().addressOf(new Uint8Array(memory.shared.buffer));
    verbose(`Guest base is at 0x${base.toString(16)}`);
  }
  const { commandLine } = loadFiles(memory, { kernel: null, initrd, args, verbose });
  // Only now is it known how many pages and lines there are.
  const { shared, limitBytes, ramBytes } = memory;
  const interrupts = makeInterruptLines(page.lineCount);
  const rings: RingDoorbell[] = [];
  const plans = placed.map(({ device, acceptedAddress }): DevicePlan => {
    const { index, id, statusAddress } = device;
    const queues = device.queues.map(({ address, sizeBytes, line, layout }): QueuePlan => {
      const kick = DOORBELLS['wait-async'].makeHandle();
      rings.push({ address, sizeBytes, kick });
      return { size: layout.size, address, line, kick };
    });
    const driven = DOORBELLS['wait-async'].makeHandle();
    return { index, id, memory: shared, limitBytes, statusAddress, driven, acceptedAddress, queues, interrupts };
  });
  const boot: GuestBoot = {
    memory: shared,
    ramBytes,
    limitBytes,
    devicePage: page.address,
    statusAddresses: plans.map(({ statusAddress }) => statusAddress),
    driven: plans.map(({ driven }) => driven),
    commandLine,
    entry: options.entry,
    rings,
    interrupts,
  };
  verbose(`Guest: 0x0 - 0x${limitBytes.toString(16)} (0x${limitBytes.toString(16)})`);
  return { boot, plans };
}

interface Placed {
  readonly device: PlacedDevice;
  readonly acceptedAddress: number | null;
}

function placeDevice(page: DevicePage, { id, queueCount, fields, offered }: DeviceDescription): Placed {
  const device = page.addDevice(id);
  for (let i = 0; i < queueCount; i++) device.addVirtqueue();
  for (const { type, bytes } of fields) device.addField(type, bytes);
  if (offered === 0n) return { device, acceptedAddress: null };
  const value = new Uint8Array(LGUEST_FEATURES_SIZE);
  new DataView(value.buffer).setUint32(LGUEST_FEATURES_OFFERED, Number(offered), true);
  const address = device.addField(VIRTIO_CONFIG_F_DEVICE, value);
  return { device, acceptedAddress: address + LGUEST_FEATURES_ACCEPTED };
}
