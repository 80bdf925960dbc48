/** The command `serve`: a device for the guests of other programs, until it is told to end. Main thread. */
import { lstatSync, statSync } from 'node:fs';
import { SECTOR_SIZE } from '../../src/devices/disk.ts';
import { type DeviceOptions, openDevice } from '../../src/devices/open-device.ts';
import { setAffinity } from '../../src/native/affinity.ts';
import { type FileLock, lockImage } from '../../src/native/file-lock.ts';
import { whyUnavailable } from '../../src/native/libc.ts';
import { EventLog } from '../../src/vhost-user/backend/event-log.ts';
import { postcopyOpener } from '../../src/vhost-user/backend/postcopy.ts';
import { VhostUserServer } from '../../src/vhost-user/backend/server.ts';
import { LocalDevice } from '../../src/vhost-user/queues/local-device.ts';
import type { ServedDevice } from '../../src/vhost-user/queues/queue-runner.ts';
import { WorkerDevice } from '../../src/vhost-user/queues/worker-device.ts';
import type { Console, Hooks } from '../command-line/command.ts';
import { UsageError } from '../command-line/option-values.ts';
import { parseServeOptions, type ServeOptions, serveHelp } from './options.ts';
import { statsLines } from './stats.ts';

/** Runs `serve` with its arguments; resolves to the exit code when it was interrupted. @throws UsageError */
export async function serveCommand(args: readonly string[], console: Console, hooks: Hooks = {}): Promise<number> {
  const options = parseServeOptions(args);
  if (options === null) {
    console.out(serveHelp());
    return 0;
  }
  const missing = whyUnavailable();
  if (missing !== null) throw new UsageError(`serve ${missing}`);
  if (options.postcopy && postcopyOpener() === null)
    throw new UsageError('--postcopy needs the right to userfaultfd (CAP_SYS_PTRACE, or /dev/userfaultfd)');
  const { socket, connect } = options;
  // From before the socket is there, so that it is never left behind.
  const signal = hooks.signal?.();
  const { device, lock } = await open(options, console);
  const log = new EventLog({ name: device.name, write: console.err });
  const server = new VhostUserServer({
    path: socket,
    device,
    connects: connect,
    postcopy: options.postcopy,
    handshakeTimeoutMs: 1000 * options.handshakeSeconds,
    report: (event) => log.tell(event),
  });
  try {
    server.open();
  } catch (error) {
    await device.close();
    lock?.close();
    throw new UsageError(`--socket ${socket}: ${whyNoSocket(socket, error as NodeJS.ErrnoException)}`);
  }
  // Of a console standard output is the guest's.
  const say = options.device.kind === 'console' ? console.err : console.out;
  const queues = device.queueCount === 1 ? '1 queue' : `${device.queueCount} queues`;
  say(`${device.name}: ${connect ? 'connecting to' : 'listening at'} ${socket}, ${queues}`);
  const tell = () => {
    for (const line of statsLines(device.name, server.stats, new Date())) say(line);
  };
  const { statsSeconds } = options;
  const timer = statsSeconds !== null && statsSeconds > 0 ? setInterval(tell, 1000 * statsSeconds) : null;
  await interrupted(signal);
  if (timer !== null) clearInterval(timer);
  await server.close();
  log.close();
  lock?.close();
  if (statsSeconds !== null) tell();
  return 0;
}

interface Opened {
  readonly device: ServedDevice;
  /** On the image of a disk. */
  readonly lock: FileLock | null;
}

/** @throws UsageError that names what cannot be opened */
async function open(options: ServeOptions, console: Console): Promise<Opened> {
  const { device } = options;
  try {
    const opened = await openServed(options);
    if (device.kind !== 'block') return { device: opened, lock: null };
    try {
      // Once for all queues; before it is served nobody has written.
      const lock = lockImage(device.image, { readOnly: device.readOnly ?? false });
      const spare = statSync(device.image).size % SECTOR_SIZE;
      if (spare > 0) console.err(`note: the last ${spare} bytes of ${device.image} are no whole sector: left out`);
      return { device: opened, lock };
    } catch (error) {
      await opened.close();
      throw error;
    }
  } catch (error) {
    throw new UsageError(`${argumentOf(device)}: ${(error as Error).message}`);
  }
}

async function openServed({ device, threads, cpus, pollUs }: ServeOptions): Promise<ServedDevice> {
  if (!threads) {
    if (cpus !== null) setAffinity(cpus);
    return new LocalDevice(openDevice(device), { pollUs });
  }
  const queues = device.kind === 'block' ? (device.queues ?? 1) : 1;
  // The queues take the CPUs in turn.
  const pinned = cpus === null ? {} : { cpus: Array.from({ length: queues }, (_, i) => [cpus[i % cpus.length]!]) };
  return await WorkerDevice.open({ device, pollUs, ...pinned });
}

/** The argument that says what a device is made of. */
function argumentOf(device: DeviceOptions): string {
  if (device.kind === 'block') return `--image ${device.image}`;
  if (device.kind === 'net' && device.link.kind === 'tap') return `--tap ${device.link.name}`;
  return device.kind;
}

function whyNoSocket(path: string, { code, message }: NodeJS.ErrnoException): string {
  if (code !== 'EADDRINUSE') return message;
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() === false
    ? 'exists and is no socket'
    : 'another server listens there';
}

/** Until the caller's signal; without one, for ever. */
async function interrupted(signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return;
  await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
}
