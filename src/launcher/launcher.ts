/**
 * The run: opens the devices in command-line order, the console last, builds the machine, runs the guest, and takes
 * everything apart in order, however it ends. The launcher's thread, which serves the console besides.
 *
 * It owns no process: streams, signals and exit codes are the command's.
 */
import type { Device } from '../devices/device.ts';
import { CONSOLE_TRANSMIT_QUEUE } from '../formats/console.ts';
import { buildMachine } from './build-machine.ts';
import type { Cpu, CpuEvents, GuestEnding } from './cpu/cpu.ts';
import { deviceLines, type LaunchDeviceOptions } from './device-options.ts';
import { type DeviceFault, type LauncherDevice, LocalDevice, type QueueStats } from './device-service.ts';
import { DeviceThread } from './device-thread.ts';
import { stopInterrupts } from './interrupts.ts';

const FACTORY = new URL('./open-device.js', import.meta.url).href;

export interface LaunchOptions {
  readonly cpu: Cpu;
  /** MiB. */
  readonly memoryMb: number;
  /** URL of the guest's code, an ES module or a Wasm module. */
  readonly entry: string;
  readonly initrd?: string;
  /** What the guest is told. */
  readonly args?: readonly string[];
  /** In command-line order, each in a thread of its own. */
  readonly devices?: readonly LaunchDeviceOptions[];
  /** The console comes last, and is served on this thread until it has taken a halted guest's output. Closed at the end. */
  readonly console: Device;
  /** What the guest says before it has a console. A promise holds it, as `CpuEvents.print` does. */
  readonly print: CpuEvents['print'];
  /** What the original says with `--verbose`, line by line. */
  readonly verbose?: (line: string) => void;
  /** What the original warns of, line by line: what a guest does without. */
  readonly warn?: (line: string) => void;
  /** What the guest's code writes by `console` or to a standard stream. Left out: it is lost. */
  readonly log?: CpuEvents['logged'];
  /** Requests are timed. */
  readonly timed?: boolean;
  /** Ends the guest, and the run in order. */
  readonly signal?: AbortSignal;
  /** URL of a module that opens devices. Default: the launcher's. */
  readonly factory?: string;
}

export interface LaunchEnding {
  readonly guest: GuestEnding;
  /** Of every queue on the bus, as far as its device could still tell. */
  readonly stats: readonly QueueStats[];
  /** What went wrong while the guest and the devices were stopped. */
  readonly warnings: readonly string[];
}

/**
 * Runs a guest to its end. Nothing of the run is left then: no thread, no file, no wait; or a warning says what is.
 * @throws Error that says why it cannot start: LauncherError, or what a device cannot be opened for
 */
export async function launch(options: LaunchOptions): Promise<LaunchEnding> {
  const devices: LauncherDevice[] = [];
  let guest: GuestEnding | null = null;
  let stopped: Omit<LaunchEnding, 'guest'>;
  const faults = new Faults();
  const warnings: string[] = [];
  try {
    const console = await openDevices(options, devices, faults.take);
    guest = await run(options, devices, console, { faults, warn: (line) => warnings.push(line) });
    if (guest.how === 'halted') await lastOutput(console, options.signal);
  } finally {
    stopped = await stopDevices(devices, guest?.how === 'halted');
  }
  return { guest, stats: stopped.stats, warnings: [...warnings, ...stopped.warnings] };
}

/** The first device that fails ends the guest. */
class Faults {
  first: DeviceFault | null = null;
  private tell: (() => void) | null = null;

  readonly take = (fault: DeviceFault): void => {
    this.first ??= fault;
    this.tell?.();
  };

  /** `told` is called once there is one. */
  listen(told: () => void): void {
    this.tell = told;
    if (this.first !== null) told();
  }
}

/** Into `devices`, as far as it comes. Returns the console, which is the last of them. */
async function openDevices(
  options: LaunchOptions,
  devices: LauncherDevice[],
  broken: (fault: DeviceFault) => void,
): Promise<LocalDevice> {
  const { devices: wanted = [], verbose, warn, factory = FACTORY, timed = false } = options;
  const common = { timed, broken, ...(verbose === undefined ? {} : { tell: verbose }) };
  const console = new LocalDevice({ device: options.console, ...common });
  try {
    for (const [i, device] of wanted.entries()) {
      const opened = await DeviceThread.open({ device, factory, ...common, ...(warn === undefined ? {} : { warn }) });
      devices.push(opened);
      if (verbose !== undefined) for (const line of deviceLines(i, device, opened.description)) verbose(line);
    }
  } finally {
    devices.push(console);
  }
  verbose?.(`device ${wanted.length}: console`);
  return console;
}

async function run(
  options: LaunchOptions,
  devices: readonly LauncherDevice[],
  console: LocalDevice,
  { faults, warn }: { readonly faults: Faults; readonly warn: (line: string) => void },
): Promise<GuestEnding> {
  const { cpu, memoryMb, entry, initrd = null, args = [], print, log, verbose, signal } = options;
  if (signal?.aborted) return { how: 'stopped' };
  const descriptions = devices.map(({ description }) => description);
  const { boot, plans } = buildMachine({
    ...{ memoryMb, entry, initrd, args },
    devices: descriptions,
    verbose: verbose ?? (() => {}),
  });
  await Promise.all(devices.map((device, i) => device.serve(plans[i]!)));
  const notified = verbose && ((address: number) => verbose(`Notify on address 0x${address.toString(16)}`));
  // The guest stands still meanwhile: what is in the console's ring was said before.
  const printInOrder = async (text: Uint8Array) => {
    await console.settle(CONSOLE_TRANSMIT_QUEUE);
    await print(text);
  };
  const running = cpu.start(boot, {
    ...(log === undefined ? {} : { logged: log }),
    print: printInOrder,
    ...(notified === undefined ? {} : { notified }),
  });
  const stop = () => void running.stop();
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) stop();
  faults.listen(stop);
  const ending = await running.ended;
  if (running.warning !== null) warn(running.warning);
  signal?.removeEventListener('abort', stop);
  stopInterrupts(boot.interrupts);
  const { first } = faults;
  if (first === null || ending.how !== 'stopped') return ending;
  return first.byGuest ? { how: 'died', reason: first.reason } : { how: 'failed', error: new Error(first.reason) };
}

/** What a guest said before it halted waits for its reader, as with any program: without end, unless `signal` aborts. */
async function lastOutput(console: LocalDevice, signal: AbortSignal | undefined): Promise<void> {
  const settled = console.settle(CONSOLE_TRANSMIT_QUEUE);
  if (signal?.aborted) return;
  await new Promise<void>((resolve) => {
    const end = () => {
      signal?.removeEventListener('abort', end);
      resolve();
    };
    signal?.addEventListener('abort', end);
    void settled.then(end);
  });
}

async function stopDevices(devices: readonly LauncherDevice[], drains: boolean): Promise<Omit<LaunchEnding, 'guest'>> {
  const stats: QueueStats[] = [];
  const warnings: string[] = [];
  const stopped = await Promise.allSettled(devices.map((device) => device.stop(drains)));
  for (const result of stopped)
    if (result.status === 'fulfilled') stats.push(...result.value);
    else warnings.push((result.reason as Error).message);
  return { stats, warnings };
}
