/**
 * A bound for system calls that block. Whether a read or a write blocks is a flag of the open file, and a peer that
 * shares the file can change it at any moment, also between our look and our call. So a thread that uses what strangers
 * share has a timer of the kernel, which interrupts whatever it waits in: the call fails with EINTR. A call that does
 * not wait costs nothing by it and never fails so.
 *
 * The signal is SIGURG: ignored by default, and no kernel sends it to a program that asks for no urgent data. Its handler
 * is a function of libc that does nothing. The engine repeats its own calls, all but `readSync`: like a call of libc, its
 * caller repeats it where it can block (a pipe; a file that a process serves).
 *
 * The timer ends with its thread's `exit`. A thread that is terminated has no `exit`, and a timer without its thread
 * would go on for as long as the process lives: the next thread that comes here deletes it.
 *
 *     struct sigaction    void *handler | u8[128] mask | int flags | pad | void *restorer
 *     struct sigevent     u64 value | int signal | int how | int thread | pad to 64
 *     struct itimerspec   s64 seconds, nanoseconds: interval | s64 seconds, nanoseconds: first
 */
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { systemError } from './errors.ts';
import { lazyCalls, libc } from './libc.ts';

interface Calls {
  dlsym(library: number, name: string): number;
  sigaction(signal: number, action: DataView, old: null): number;
  syscall(number: number, ...fourWords: readonly [number, DataView | null, DataView | null, number]): number;
}

const calls = lazyCalls<Calls>({
  dlsym: 'uint64_t dlsym(uint64_t library, const char *name)',
  sigaction: 'int sigaction(int signal, void *action, void *old)',
  syscall: 'long syscall(long number, long first, void *second, void *third, long fourth)',
});

/** A call that blocks is interrupted after this time at most. Milliseconds. */
export const BLOCKED_AT_MOST_MS = 250;

const { SIGURG } = constants.signals;
const [SYS_gettid, SYS_timer_create, SYS_timer_settime, SYS_timer_delete] =
  process.arch === 'x64' ? [186, 222, 223, 226] : [178, 107, 110, 111];
const CLOCK_MONOTONIC = 1;
const SIGEV_THREAD_ID = 4;
const PERIOD_NS = BigInt(BLOCKED_AT_MOST_MS) * 1_000_000n;

const action = new DataView(new ArrayBuffer(152));
const event = new DataView(new ArrayBuffer(64));
const period = new DataView(new ArrayBuffer(32));
const timer = new DataView(new ArrayBuffer(8));

let isBounded = false;

const demand = (call: string, result: number): number => {
  if (result < 0) throw systemError(call, libc().errno());
  return result;
};

/** The address of one in libc that takes a number and does nothing: for what wants a handler. */
export const functionWithoutEffect = (): number => calls().dlsym(0, 'abs');

/** From now on no system call of this thread blocks for longer than `BLOCKED_AT_MOST_MS`. @throws SystemError */
export function boundBlockedCalls(): void {
  if (isBounded) return;
  const { sigaction, syscall } = calls();
  // Without SA_RESTART, so that the call fails.
  action.setBigUint64(0, BigInt(functionWithoutEffect()), true);
  demand('sigaction', sigaction(SIGURG, action, null));
  event.setInt32(8, SIGURG, true);
  event.setInt32(12, SIGEV_THREAD_ID, true);
  event.setInt32(16, syscall(SYS_gettid!, 0, null, null, 0), true);
  demand('timer_create', syscall(SYS_timer_create!, CLOCK_MONOTONIC, event, timer, 0));
  period.setBigInt64(8, PERIOD_NS, true);
  period.setBigInt64(24, PERIOD_NS, true);
  const id = timer.getInt32(0, true);
  isBounded = true;
  process.once('exit', () => deleteTimer(id));
  // Third of four: the new value.
  demand('timer_settime', syscall(SYS_timer_settime!, id, null, period, 0));
  for (const { timer: other, thread } of interruptingTimers())
    if (!existsSync(`/proc/self/task/${thread}`)) deleteTimer(other);
}

function deleteTimer(id: number): void {
  calls().syscall(SYS_timer_delete!, id, null, null, 0);
}

/** This process's timers of this kind, with the thread that each interrupts; none where /proc does not tell. */
export function interruptingTimers(): { readonly timer: number; readonly thread: number }[] {
  const entry = new RegExp(`^ID: (\\d+)\\nsignal: ${SIGURG}/.*\\nnotify: signal/tid\\.(\\d+)$`, 'gm');
  try {
    return Array.from(readFileSync('/proc/self/timers', 'utf8').matchAll(entry), ([, timer, thread]) => ({
      timer: Number(timer),
      thread: Number(thread),
    }));
  } catch {
    return [];
  }
}
