/**
 * The run of a guest in QEMU: opens the devices, starts QEMU, waits for its end and takes everything apart, however it
 * ends. A path of its own beside `launch`: there is no bus here, no shared memory that we make and no interrupt line, so
 * there is nothing that a `Cpu` could be started with. Main thread, which serves the devices.
 *
 * The console is not served: QEMU's serial port is on this process's own input and output, and QEMU sets the terminal.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { whyUnavailable } from '../native/libc.ts';
import { findProgram } from '../processes/bound-child.ts';
import { ownFolder } from '../processes/own-folder.ts';
import type { GuestEnding } from './cpu/cpu.ts';
import { type QemuMachine, qemuArguments, shellLine } from './cpu/qemu-arguments.ts';
import { QemuDevices } from './cpu/qemu-devices.ts';
import { QemuMonitor } from './cpu/qemu-monitor.ts';
import { QEMU, QEMU_PACKAGE, QemuProcess } from './cpu/qemu-process.ts';
import type { LaunchDeviceOptions } from './device-options.ts';
import type { QueueStats } from './device-service.ts';
import { keepTerminal } from './terminal-mode.ts';
import { watchWayOut } from './way-out.ts';

const STANDARD_INPUT = 0;

export interface LaunchQemuOptions extends Omit<QemuMachine, 'devices' | 'monitor'> {
  /** In command-line order. */
  readonly devices: readonly LaunchDeviceOptions[];
  /** Told what QEMU says, and what goes wrong with a device. */
  readonly warn: (line: string) => void;
  readonly verbose?: (line: string) => void;
  /** Ends the guest, and the run in order. */
  readonly signal?: AbortSignal;
}

export interface LaunchQemuEnding {
  readonly guest: GuestEnding;
  /** QEMU was ended at the terminal, by Ctrl-A X or in its monitor: its guest has not ended by itself. */
  readonly quit: boolean;
  /** Of every queue; nobody measures latencies. */
  readonly stats: readonly QueueStats[];
}

/** Why guests cannot be run in QEMU here (`needs …`), or null if they can. */
export function whyNoQemu(path: string = process.env.PATH ?? ''): string | null {
  if (findProgram(QEMU, path) === null)
    return `needs ${QEMU}, which is not installed: Debian's package ${QEMU_PACKAGE}`;
  return whyUnavailable();
}

/** Runs a guest to its end. Nothing of the run is left then. @throws Error that names what cannot be opened */
export async function launchQemu(options: LaunchQemuOptions): Promise<LaunchQemuEnding> {
  const terminal = keepTerminal(STANDARD_INPUT);
  const folder = ownFolder('launch-');
  const running: { qemu: QemuProcess | null } = { qemu: null };
  const leave = () => {
    running.qemu?.kill();
    rmSync(folder, { recursive: true, force: true });
    terminal.restore();
  };
  // Who listens to a signal ends the run by `signal`.
  const unwatch = watchWayOut((stays) => {
    if (!stays) leave();
  });
  try {
    return await runWithDevices(options, folder, running);
  } finally {
    unwatch();
    leave();
  }
}

async function runWithDevices(
  options: LaunchQemuOptions,
  folder: string,
  running: { qemu: QemuProcess | null },
): Promise<LaunchQemuEnding> {
  const { warn, verbose, signal } = options;
  const events = join(folder, 'events.sock');
  const monitor = await QemuMonitor.open(events);
  let opened: QemuDevices | null = null;
  try {
    opened = await QemuDevices.open({ devices: options.devices, folder, warn, tell: verbose ?? null });
    if (signal?.aborted) return { guest: { how: 'stopped' }, quit: false, stats: opened.stats };
    const args = qemuArguments({ ...options, devices: opened.devices, monitor: events });
    verbose?.(shellLine([QEMU, ...args]));
    const qemu = new QemuProcess(QEMU, args, warn);
    running.qemu = qemu;
    const stop = () => void qemu.stop();
    signal?.addEventListener('abort', stop, { once: true });
    const ending = await qemu.ended;
    signal?.removeEventListener('abort', stop);
    const guest = ending.how === 'halted' ? endingOf(await monitor.lastWord()) : ending;
    return { guest, quit: ending.how === 'halted' && guest.how === 'stopped', stats: opened.stats };
  } finally {
    monitor.close();
    await opened?.close();
  }
}

/** What QEMU says when the machine goes down through the guest. */
const BY_GUEST: Readonly<Record<string, GuestEnding>> = {
  'guest-shutdown': { how: 'halted' },
  'guest-reset': { how: 'died', reason: 'the guest has reset the machine: it rebooted, or crashed' },
  'guest-panic': { how: 'died', reason: 'the guest has panicked' },
};

/** Ctrl-A X ends QEMU without a word. */
const endingOf = (reason: string | null): GuestEnding => BY_GUEST[reason ?? ''] ?? { how: 'stopped' };
