/** The command `launch`: a guest, its devices and this terminal, until the guest ends. Main thread. */
import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { ConsoleDevice } from '../../src/devices/console.ts';
import { OutputStream } from '../../src/devices/output-stream.ts';
import { standardError } from '../../src/devices/standard-output.ts';
import type { GuestEnding } from '../../src/launcher/cpu/cpu.ts';
import { GuestFault } from '../../src/launcher/cpu/guest-fault.ts';
import { workerCpu } from '../../src/launcher/cpu/worker-cpu.ts';
import type { LaunchDeviceOptions } from '../../src/launcher/device-options.ts';
import { LauncherError } from '../../src/launcher/errors.ts';
import { type LaunchQemuEnding, launchQemu, whyNoQemu } from '../../src/launcher/launch-qemu.ts';
import { type LaunchEnding, launch } from '../../src/launcher/launcher.ts';
import { describeImage, descriptionLines, isElf64, refusalOf } from '../../src/launcher/machine/describe-image.ts';
import { loadFiles } from '../../src/launcher/machine/load-files.ts';
import { PhysicalMemory } from '../../src/launcher/machine/physical-memory.ts';
import { Terminal } from '../../src/launcher/terminal.ts';
import { toldPort } from '../../src/launcher/waker.ts';
import { type FileLock, lockImage } from '../../src/native/file-lock.ts';
import { whyUnavailable } from '../../src/native/libc.ts';
import { type Console, EXIT_CODES, EXIT_USAGE, type Hooks } from '../command-line/command.ts';
import { UsageError } from '../command-line/option-values.ts';
import { type DeviceChoice, type LaunchCommandOptions, launchHelp, parseLaunchOptions } from './options.ts';
import { launchStats } from './stats.ts';

/** Runs `launch` with its arguments; resolves to the exit code. @throws UsageError */
export async function launchCommand(args: readonly string[], console: Console, hooks: Hooks = {}): Promise<number> {
  const options = parseLaunchOptions(args);
  if (options === null) {
    console.out(launchHelp());
    return 0;
  }
  const { image, cpu } = options;
  if (cpu === 'qemu') return await withDisksLocked(options, console, () => runInQemu(options, console, hooks));
  if (image.kind === 'x86') return refuse(image.path, options, console);
  return await withDisksLocked(options, console, () => runGuest(image.entry, options, console, hooks));
}

/** While it runs no other program writes its disks, as far as programs claim theirs; without koffi none can be claimed. */
async function withDisksLocked(
  { devices, readOnly }: LaunchCommandOptions,
  console: Console,
  run: () => Promise<number>,
): Promise<number> {
  const locks: FileLock[] = [];
  const paths = devices.flatMap((device) => (device.kind === 'block' ? [device.path] : []));
  const twice = imageGivenTwice(paths);
  if (twice !== null && !readOnly) {
    console.err(`vringbench: --block=${twice}: the same image is given twice: two disks of one image need --readonly`);
    return EXIT_CODES.failed;
  }
  try {
    for (const path of whyUnavailable() === null ? paths : []) {
      try {
        locks.push(lockImage(path, { readOnly }));
      } catch (error) {
        console.err(`vringbench: --block=${path}: ${(error as Error).message}`);
        return EXIT_CODES.failed;
      }
    }
    return await run();
  } finally {
    for (const lock of locks) lock.close();
  }
}

/** A path of a file that another path before it names, too; null: there is none. */
function imageGivenTwice(paths: readonly string[]): string | null {
  const seen = new Set<string>();
  for (const path of paths) {
    const image = identityOf(path);
    if (image !== null && seen.has(image)) return path;
    if (image !== null) seen.add(image);
  }
  return null;
}

/** The same for every path of one file. Null: it cannot be known; opening the path says why. */
function identityOf(path: string): string | null {
  try {
    const status = statSync(path, { bigint: true });
    // Two nodes of one block device are one image.
    return status.isBlockDevice() ? `device ${status.rdev}` : `${status.dev} ${status.ino}`;
  } catch {
    return null;
  }
}

/** @throws UsageError */
async function runInQemu(options: LaunchCommandOptions, console: Console, hooks: Hooks): Promise<number> {
  const { image, memoryMb, args, initrd, verbose, accelerator } = options;
  if (image.kind === 'module')
    throw new UsageError(`${image.name} is no x86 kernel, which --cpu qemu runs: run it with --cpu worker`);
  if (initrd !== null && !existsSync(initrd)) throw new UsageError(`--initrd ${initrd} is no file`);
  const missing = whyNoQemu();
  if (missing !== null) throw new UsageError(`--cpu qemu ${missing}`);
  const signal = hooks.signal?.();
  let ending: LaunchQemuEnding;
  try {
    ending = await launchQemu({
      ...{ accelerator, memoryMb, kernel: image.path, initrd, args },
      devices: options.devices.map((device) => deviceOptions(device, options.readOnly)),
      warn: (line) => console.err(`vringbench: ${line}`),
      ...(verbose ? { verbose: console.err } : {}),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    console.err(`vringbench: ${(error as Error).message}`);
    return EXIT_CODES.failed;
  }
  if (options.stats) for (const line of launchStats(ending.stats)) console.err(line);
  if (ending.quit) console.err('vringbench: QEMU was ended at its terminal');
  return exitCode(ending.guest, ending.quit, console);
}

/** Loads the image as a machine would, and says what it is. */
function refuse(path: string, options: LaunchCommandOptions, console: Console): number {
  const { memoryMb, args, initrd } = options;
  const verbose = options.verbose ? console.err : () => {};
  try {
    loadFiles(new PhysicalMemory(memoryMb), { kernel: path, initrd, args, verbose });
    const description = describeImage(path);
    for (const line of descriptionLines(description)) console.out(line);
    console.err(`vringbench: ${refusalOf(path, description)}`);
    return EXIT_USAGE;
  } catch (error) {
    if (!(error instanceof LauncherError)) throw error;
    if (error.code === 'malformed-elf' && isElf64(path)) {
      console.err(`vringbench: ${refusalOf(path, { kind: '64-bit elf' })}`);
      return EXIT_USAGE;
    }
    console.err(`vringbench: ${error.message}`);
    return EXIT_CODES.failed;
  }
}

async function runGuest(entry: string, options: LaunchCommandOptions, console: Console, hooks: Hooks): Promise<number> {
  const { memoryMb, args, initrd, verbose, stats } = options;
  const typed = new AbortController();
  const asked = hooks.signal?.();
  const signal = asked === undefined ? typed.signal : AbortSignal.any([asked, typed.signal]);
  const abort = () => {
    hooks.leave?.();
    typed.abort();
  };
  const terminal = new Terminal({ warn: (line) => console.err(line), abort });
  const log = new OutputStream(standardError(), () => {});
  let ending: LaunchEnding;
  try {
    ending = await launch({
      ...{ cpu: workerCpu, memoryMb, entry, args, timed: stats, signal },
      ...(initrd === null ? {} : { initrd }),
      devices: options.devices.map((device) => deviceOptions(device, options.readOnly)),
      console: new ConsoleDevice({ port: verbose ? toldPort(terminal, console.err) : terminal }),
      print: (text) => terminal.print(text),
      warn: console.err,
      log: (text) => log.print(text),
      ...(verbose ? { verbose: console.err } : {}),
    });
  } catch (error) {
    console.err(`vringbench: ${(error as Error).message}`);
    return EXIT_CODES.failed;
  } finally {
    terminal.close();
    log.close();
  }
  for (const line of ending.warnings) console.err(`vringbench: ${line}`);
  if (stats) for (const line of launchStats(ending.stats)) console.err(line);
  return exitCode(ending.guest, typed.signal.aborted, console);
}

function exitCode(guest: GuestEnding, typed: boolean, console: Console): number {
  switch (guest.how) {
    case 'halted':
      return EXIT_CODES.done;
    case 'died':
      console.err(`vringbench: ${guest.reason}`);
      return EXIT_CODES.failed;
    case 'failed':
      console.err(`vringbench: the guest failed: ${guest.error.message}`);
      if (guest.error instanceof GuestFault) for (const frame of guest.error.frames) console.err(`    ${frame}`);
      return EXIT_CODES.failed;
    case 'stopped':
      return typed ? EXIT_USAGE : EXIT_CODES.interrupted;
  }
}

function deviceOptions(device: DeviceChoice, readOnly: boolean): LaunchDeviceOptions {
  return device.kind === 'block' ? { ...device, readOnly } : { ...device, mac: ownMac() };
}

/** Locally administered, nobody's else. */
function ownMac(): Uint8Array {
  return Uint8Array.of(0x02, ...randomBytes(5));
}
