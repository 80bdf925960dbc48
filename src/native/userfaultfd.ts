/**
 * Faults that user space serves: whoever touches a missing page of a registered range sleeps until somebody, who may
 * be another process that was given the descriptor, puts one there. The toucher's whole thread sleeps, its event loop
 * with it; a descriptor that is closed everywhere wakes it with zeroes.
 *
 *     struct uffdio_api       u64 api | u64 features | u64 ioctls
 *     struct uffdio_range     u64 start | u64 length
 *     struct uffdio_register  range | u64 mode | u64 ioctls
 *     struct uffdio_copy      u64 to | u64 from | u64 length | u64 mode | s64 copied
 *     struct uffdio_zeropage  range | u64 mode | s64 zeroed
 *     struct uffd_msg         u8 event | pad to 8 | u64 flags | u64 address | u32 thread | pad to 32
 */
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { closeDescriptor } from './descriptors.ts';
import { systemError } from './errors.ts';
import { lazyCalls, libc } from './libc.ts';

interface Calls {
  syscall(number: number, argument: number): number;
  ioctl(descriptor: number, request: number, argument: DataView | number): number;
  read(descriptor: number, into: DataView, sizeBytes: number): number;
}

const calls = lazyCalls<Calls>({
  syscall: 'long syscall(long number, long argument)',
  ioctl: 'int ioctl(int descriptor, unsigned long request, void *argument)',
  read: 'int64_t read(int descriptor, void *into, uint64_t size)',
});

const { EAGAIN, EINTR } = constants.errno;

const SYS_USERFAULTFD = process.arch === 'x64' ? 323 : 282;
const DEVICE = '/dev/userfaultfd';
const FLAGS = 0o4000 | 0o2000000;

const UFFD_API = 0xaa;
const USERFAULTFD_IOC_NEW = 0xaa00;
const UFFDIO_API = 0xc018aa3f;
const UFFDIO_REGISTER = 0xc020aa00;
const UFFDIO_UNREGISTER = 0x8010aa01;
const UFFDIO_WAKE = 0x8010aa02;
const UFFDIO_COPY = 0xc028aa03;
const UFFDIO_ZEROPAGE = 0xc020aa04;
const UFFDIO_REGISTER_MODE_MISSING = 1;
const UFFD_EVENT_PAGEFAULT = 0x12;

const MESSAGE_SIZE = 32;
const MESSAGE_ADDRESS = 16;
const COPY_DONE = 32;
const ZEROPAGE_DONE = 24;

/** The largest structure, of 40 bytes, and a message. */
const words = new DataView(new ArrayBuffer(40));

/** What is copied goes through here: 16 pages of 4 KiB, or one of 64. */
const staging = new Uint8Array(new ArrayBuffer(65536));

function setWords(...values: number[]): void {
  for (const [i, value] of values.entries()) words.setBigUint64(i * 8, BigInt(value), true);
}

/** 0, or the errno. */
function control(uffd: number, request: number): number {
  for (;;) {
    if (calls().ioctl(uffd, request, words) >= 0) return 0;
    const errno = libc().errno();
    if (errno !== EINTR) return errno;
  }
}

function demand(uffd: number, request: number, what: string): void {
  const errno = control(uffd, request);
  if (errno !== 0) throw systemError('ioctl', errno, what);
}

const rangeText = (address: number, sizeBytes: number) => `${sizeBytes} bytes at 0x${address.toString(16)}`;

/** The system call needs CAP_SYS_PTRACE, or a machine that allows it to all; the device, its file's permission. */
function create(): number {
  const descriptor = calls().syscall(SYS_USERFAULTFD, FLAGS);
  if (descriptor >= 0) return descriptor;
  const error = systemError('userfaultfd', libc().errno());
  let device: number;
  try {
    device = openSync(DEVICE, 'r+');
  } catch {
    throw error;
  }
  try {
    const created = calls().ioctl(device, USERFAULTFD_IOC_NEW, FLAGS);
    if (created < 0) throw systemError('ioctl', libc().errno(), 'USERFAULTFD_IOC_NEW');
    return created;
  } finally {
    closeSync(device);
  }
}

/**
 * A new one, which does not block, for faults of system calls too. It stands for this process's memory, whoever has it.
 * @throws SystemError EPERM without the right to, ENOSYS where the kernel has none
 */
export function openUserfaultfd(): number {
  const uffd = create();
  try {
    setWords(UFFD_API, 0, 0);
    demand(uffd, UFFDIO_API, 'UFFDIO_API');
    return uffd;
  } catch (error) {
    closeDescriptor(uffd);
    throw error;
  }
}

/** Whole pages of a mapping of this process, which are not there yet, from now on wait for `uffd`. */
export function registerMissing(uffd: number, address: number, sizeBytes: number): void {
  setWords(address, sizeBytes, UFFDIO_REGISTER_MODE_MISSING, 0);
  demand(uffd, UFFDIO_REGISTER, `UFFDIO_REGISTER ${rangeText(address, sizeBytes)}`);
}

/** The range is ordinary memory again; whoever sleeps there wakes. */
export function unregister(uffd: number, address: number, sizeBytes: number): void {
  setWords(address, sizeBytes);
  demand(uffd, UFFDIO_UNREGISTER, `UFFDIO_UNREGISTER ${rangeText(address, sizeBytes)}`);
}

/** Wakes whoever sleeps there, to look again: for pages that came by another way, as into the file that is mapped. */
export function wakeRange(uffd: number, address: number, sizeBytes: number): void {
  setWords(address, sizeBytes);
  demand(uffd, UFFDIO_WAKE, `UFFDIO_WAKE ${rangeText(address, sizeBytes)}`);
}

/** The page that somebody sleeps for, by its address; -1: none that was not told before. */
export function takeFault(uffd: number): number {
  for (;;) {
    const size = calls().read(uffd, words, MESSAGE_SIZE);
    if (size < 0) {
      const errno = libc().errno();
      if (errno === EAGAIN) return -1;
      if (errno !== EINTR) throw systemError('read', errno);
    } else if (words.getUint8(0) === UFFD_EVENT_PAGEFAULT) return Number(words.getBigUint64(MESSAGE_ADDRESS, true));
  }
}

/** Puts `bytes`, whole pages, at `address`, and wakes who waits. @throws SystemError EEXIST for a page that is there */
export function copyPages(uffd: number, address: number, bytes: Uint8Array): void {
  const from = libc().addressOf(staging.buffer);
  for (let done = 0; done < bytes.length; ) {
    const size = Math.min(staging.length, bytes.length - done);
    staging.set(bytes.subarray(done, done + size));
    setWords(address + done, from, size, 0, 0);
    done += transfer(uffd, UFFDIO_COPY, COPY_DONE, size, `UFFDIO_COPY ${rangeText(address + done, size)}`);
  }
}

/** Puts zeroes there, and wakes who waits. */
export function zeroPages(uffd: number, address: number, sizeBytes: number): void {
  for (let done = 0; done < sizeBytes; ) {
    const size = sizeBytes - done;
    setWords(address + done, size, 0, 0);
    done += transfer(uffd, UFFDIO_ZEROPAGE, ZEROPAGE_DONE, size, `UFFDIO_ZEROPAGE ${rangeText(address + done, size)}`);
  }
}

/** Bytes that the kernel has put there: some, or none, where another thread was changing mappings. */
function transfer(uffd: number, request: number, doneAt: number, size: number, what: string): number {
  const errno = control(uffd, request);
  if (errno === 0) return size;
  if (errno !== EAGAIN) throw systemError('ioctl', errno, what);
  return Math.max(0, Number(words.getBigInt64(doneAt, true)));
}
