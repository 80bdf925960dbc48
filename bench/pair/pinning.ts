/**
 * Which CPUs threads may run on, and pinning the calling thread to one. Linux, by /proc and taskset (util-linux);
 * elsewhere, or where that is missing, a thread stays unpinned and says why.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { cpus, getPriority, setPriority } from 'node:os';
import { basename } from 'node:path';

/** The host thread's nice value where both share one CPU; enough to decide every wake-up, with a third of the guest's weight. */
const HOST_NICE = 5;

export type Pinning = { cpu: number; pinned: true } | { cpu: null; pinned: false; reason: string };

/** A CPU that was asked for by number could not be had. */
export class PinningFailed extends Error {
  constructor(side: string, cpu: number | null, reason: string) {
    super(`${side}: could not be pinned to CPU ${cpu}: ${reason}`);
    this.name = 'PinningFailed';
  }
}

/** Parses the kernel's list format: `0-3,8` is [0, 1, 2, 3, 8]. */
export function parseCpuList(list: string): number[] {
  return [...list.matchAll(/(\d+)(?:-(\d+))?/g)].flatMap(([, first, last = first]) =>
    Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => Number(first) + i),
  );
}

function allowedIn(statusFile: string): number[] {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync(statusFile, 'utf8'))?.[1];
  return parseCpuList(list ?? '');
}

/** The CPUs this process may use, ascending; null where /proc does not tell. */
export function allowedCpus(): number[] | null {
  try {
    const cpus = allowedIn('/proc/self/status');
    return cpus.length === 0 ? null : cpus;
  } catch {
    return null;
  }
}

/** The kernel's id of the calling thread. Synchronous: asynchronous file calls run on other threads. */
function threadId(): number {
  return Number(basename(readlinkSync('/proc/thread-self')));
}

/**
 * Lowers the calling thread's claim on a CPU that it shares with its peer, so that a call wakes the guest at once and
 * a kick does not wake the host before the guest has to wait: the order in which the kernel's test runs, too. Left to
 * itself the scheduler lets the thread run that used less, and the pair wakes each other for every few transfers.
 */
export function yieldToPeer(): void {
  setPriority(threadId(), HOST_NICE);
}

/** The calling thread's nice value; the process's where threads have none of their own. */
export function niceValue(): number {
  try {
    return getPriority(threadId());
  } catch {
    return getPriority();
  }
}

/** Pins the calling thread to `cpu` (null: not at all, for `reason`), and reads back what the kernel says. */
export function pinThread(cpu: number | null, reason: string): Pinning {
  if (cpu === null) return { cpu: null, pinned: false, reason };
  try {
    const tid = threadId();
    execFileSync('taskset', ['-cp', String(cpu), String(tid)], { stdio: ['ignore', 'ignore', 'pipe'] });
    const allowed = allowedIn('/proc/thread-self/status');
    if (allowed.length === 1 && allowed[0] === cpu) return { cpu, pinned: true };
    return { cpu: null, pinned: false, reason: `asked for CPU ${cpu}, got ${allowed.join(',')}` };
  } catch (error) {
    return { cpu: null, pinned: false, reason: whyUnpinned(error) };
  }
}

/** Lets the calling thread run on every CPU of the machine, as another program could. */
export function unpinThread(): void {
  execFileSync('taskset', ['-cp', `0-${cpus().length - 1}`, String(threadId())], { stdio: 'ignore' });
}

/** How the reason of a thread begins that was pinned, in warm-up or before, and not any more at the end of its window. */
export const MOVED = 'moved off its CPU';

/** What the kernel says of a pinned calling thread now: the same, or that somebody has moved it. */
export function pinningNow(pinning: Pinning): Pinning {
  if (!pinning.pinned) return pinning;
  try {
    const allowed = allowedIn('/proc/thread-self/status');
    if (allowed.length === 1 && allowed[0] === pinning.cpu) return pinning;
    const reason = `${MOVED}: pinned to CPU ${pinning.cpu}, allowed on ${allowed.join(',')} at the end`;
    return { cpu: null, pinned: false, reason };
  } catch {
    return pinning;
  }
}

function whyUnpinned(error: unknown): string {
  const { code, stderr, message } = error as { code?: string; stderr?: Buffer; message: string };
  if (code === 'ENOENT') return message.includes('/proc') ? 'no /proc here' : 'taskset (util-linux) not found';
  const line = stderr?.toString().trim().split('\n')[0];
  return line ? line : message.split('\n')[0]!;
}
