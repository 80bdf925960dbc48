/**
 * The launcher's devices for QEMU: the same as on the bus, each served at a socket of its own over vhost-user, on the
 * event loop of the thread that opens them. What a guest of the bus would die of, a device answers with an error here:
 * the kernel is a driver that knows what an error is.
 */
import { join } from 'node:path';
import type { Device } from '../../devices/device.ts';
import { EntropyDevice } from '../../devices/entropy.ts';
import { EventLog } from '../../vhost-user/backend/event-log.ts';
import { type ServerEvent, VhostUserServer } from '../../vhost-user/backend/server.ts';
import { LocalDevice } from '../../vhost-user/queues/local-device.ts';
import { deviceLines, type LaunchDeviceOptions } from '../device-options.ts';
import { describeDevice, type QueueStats } from '../device-service.ts';
import { openDevice } from '../open-device.ts';
import type { QemuDevice } from './qemu-arguments.ts';

export interface QemuDevicesOptions {
  /** In command-line order; entropy comes behind them. */
  readonly devices: readonly LaunchDeviceOptions[];
  /** Where the sockets are made. */
  readonly folder: string;
  /** Told what must be known. */
  readonly warn: (line: string) => void;
  /** Told everything else; null: nobody wants to know. */
  readonly tell: ((line: string) => void) | null;
}

interface Served {
  readonly device: Device;
  readonly server: VhostUserServer;
  readonly logs: readonly EventLog[];
}

export class QemuDevices {
  /** For QEMU's command line. */
  readonly devices: QemuDevice[] = [];
  private readonly served: Served[] = [];

  private constructor() {}

  /** From now on they listen. @throws Error that names what cannot be opened */
  static async open(options: QemuDevicesOptions): Promise<QemuDevices> {
    const opened = new QemuDevices();
    try {
      for (const [i, device] of options.devices.entries()) await opened.add(i, device, options);
      opened.addEntropy(options);
    } catch (error) {
      await opened.close();
      throw error;
    }
    return opened;
  }

  /** What the queues did, in the order of the bus. */
  get stats(): QueueStats[] {
    return this.served.flatMap(({ device, server }) =>
      server.stats.map(({ requests, bytes, failures, kicks, calls }, index) => ({
        name: device.queueCount === 1 ? device.name : `${device.name} ${index}`,
        ...{ requests, bytes, failures, kicks, interrupts: calls, latency: null },
      })),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.served.map(({ server }) => server.close()));
    for (const { logs } of this.served) for (const log of logs) log.close();
  }

  private async add(index: number, device: LaunchDeviceOptions, options: QemuDevicesOptions): Promise<void> {
    const { folder, tell } = options;
    const socket = join(folder, `${index}.sock`);
    const opened = await openDevice(device, tell, null);
    this.serve(opened, socket, options);
    this.devices.push(device.kind === 'block' ? { kind: 'block', socket } : { kind: 'net', socket, mac: device.mac });
    if (tell !== null) for (const line of deviceLines(index, device, describeDevice(opened))) tell(line);
  }

  private addEntropy(options: QemuDevicesOptions): void {
    const index = this.served.length;
    const socket = join(options.folder, `${index}.sock`);
    this.serve(new EntropyDevice(), socket, options);
    this.devices.push({ kind: 'entropy', socket });
    options.tell?.(`device ${index}: entropy`);
  }

  private serve(device: Device, path: string, { warn, tell }: QemuDevicesOptions): void {
    const { name } = device;
    const warned = new EventLog({ name, write: warn });
    const told = tell === null ? null : new EventLog({ name, write: tell });
    const report = (event: ServerEvent) => {
      const usual = event.kind === 'connected' || event.kind === 'disconnected';
      (usual ? told : warned)?.tell(event);
    };
    const server = new VhostUserServer({ path, device: new LocalDevice(device), report });
    this.served.push({ device, server, logs: told === null ? [warned] : [warned, told] });
    server.open();
  }
}
