/**
 * `launch --cpu qemu`: a real kernel in QEMU, its disks and networks served by this process over vhost-user, its
 * console on this terminal. Main thread; every disk has a thread of its own.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConsolePort } from '../../src/devices/console-port.ts';
import type { GuestEnding } from '../../src/launcher/cpu/cpu.ts';
import { type QemuBlock, type QemuNet, qemuArguments } from '../../src/launcher/cpu/qemu-arguments.ts';
import { QemuProcess } from '../../src/launcher/cpu/qemu-process.ts';
import type { LaunchDeviceOptions } from '../../src/launcher/device-options.ts';
import { openDevice } from '../../src/launcher/open-device.ts';
import { type ServerEvent, VhostUserServer } from '../../src/vhost-user/backend/server.ts';
import { LocalDevice } from '../../src/vhost-user/queues/local-device.ts';
import type { ServedDevice } from '../../src/vhost-user/queues/queue-runner.ts';
import { WorkerDevice } from '../../src/vhost-user/queues/worker-device.ts';
import { statsLines } from '../serve/stats.ts';

export interface QemuRun {
  readonly memoryMb: number;
  readonly kernel: string;
  readonly initrd: string | null;
  readonly args: readonly string[];
  readonly devices: readonly LaunchDeviceOptions[];
  readonly console: ConsolePort;
  readonly signal: AbortSignal;
  readonly verbose: (line: string) => void;
  /** Takes what each queue did, at the end; null: nobody wants to know. */
  readonly stats: ((line: string) => void) | null;
}

interface Served {
  readonly server: VhostUserServer;
  readonly name: string;
}

/** Runs a guest to its end. @throws Error that says what cannot be opened */
export async function runInQemu(run: QemuRun): Promise<GuestEnding> {
  const { memoryMb, kernel, initrd, args, verbose, stats, signal } = run;
  const folder = mkdtempSync(join(tmpdir(), 'vringbench-launch-'));
  const served: Served[] = [];
  try {
    const devices: (QemuBlock | QemuNet)[] = [];
    for (const [i, options] of run.devices.entries()) {
      const socket = join(folder, `${i}.sock`);
      const device = await open(options);
      const report = (event: ServerEvent) => verbose(`${device.name}: ${event.kind}`);
      const server = new VhostUserServer({ path: socket, device, report });
      served.push({ server, name: device.name });
      server.open();
      verbose(`device ${i}: ${device.name} at ${socket}`);
      devices.push(options.kind === 'net' ? { kind: 'net', socket, mac: options.mac } : { kind: 'block', socket });
    }
    if (signal.aborted) return { how: 'stopped' };
    const guest = new QemuProcess(qemuArguments({ memoryMb, kernel, initrd, args, devices }), run.console);
    const stop = () => void guest.stop();
    signal.addEventListener('abort', stop);
    const ending = await guest.ended;
    signal.removeEventListener('abort', stop);
    return ending;
  } finally {
    for (const { server, name } of served) {
      await server.close();
      if (stats !== null) for (const line of statsLines(name, server.stats)) stats(line);
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Disks are the shared device as it stands: the launcher's strict framing is for its own bus. */
async function open(options: LaunchDeviceOptions): Promise<ServedDevice> {
  if (options.kind === 'net') return new LocalDevice(await openDevice(options, null));
  const { path, readOnly } = options;
  return await WorkerDevice.open({ device: { kind: 'block', image: path, readOnly } });
}
