/**
 * The claim on a disk's image that QEMU's programs make and heed, so that no two programs write one image unawares. It
 * is advisory: who does not ask is not kept out. Each permission has two bytes far inside the file, locked for reading
 * by whoever uses it, or lets nobody else use it; a claim is made first and then checked against the other byte.
 *
 *     byte 100 + permission   in use      byte 200 + permission   not shared
 *
 * The locks belong to the open file, not to the process: they end with its last descriptor, and a second claim in the
 * same process is another one. So queues in threads open their image unclaimed, and the process claims it once.
 *
 *     struct flock   i16 type | i16 whence | u32 – | i64 start | i64 length | i32 process | u32 –
 */
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { systemError } from './errors.ts';
import { lazyCalls, libc } from './libc.ts';

interface Calls {
  fcntl(descriptor: number, command: number, argument: Uint8Array): number;
}

const calls = lazyCalls<Calls>({ fcntl: 'int fcntl(int descriptor, int command, void *argument)' });

const { EACCES, EAGAIN, EINTR } = constants.errno;
const F_OFD_GETLK = 36;
const F_OFD_SETLK = 37;
const F_RDLCK = 0;
const F_WRLCK = 1;
const F_UNLCK = 2;

const FLOCK_SIZE = 32;
const flock = new Uint8Array(new ArrayBuffer(FLOCK_SIZE));
const view = new DataView(flock.buffer);

const IN_USE_AT = 100;
const UNSHARED_AT = 200;
const CONSISTENT_READ = 0;
const WRITE = 1;
const RESIZE = 3;

/** Held until it is closed, or its process ends. */
export interface FileLock {
  close(): void;
}

/**
 * Claims the image at `path`: to read and write it alone, or to read it while nobody writes.
 * @throws Error if another program's use of it does not go with that; what `open` throws; SystemError
 */
export function lockImage(path: string, { readOnly }: { readonly readOnly: boolean }): FileLock {
  const descriptor = openSync(path, readOnly ? 'r' : 'r+');
  try {
    const used = readOnly ? [CONSISTENT_READ] : [CONSISTENT_READ, WRITE];
    const unshared = [WRITE, RESIZE];
    const bytes = [...used.map((one) => IN_USE_AT + one), ...unshared.map((one) => UNSHARED_AT + one)];
    const claimed = bytes.every((byte) => claim(descriptor, byte));
    if (!claimed || unshared.some((one) => isLocked(descriptor, IN_USE_AT + one)))
      throw new Error('another program has it open for writing');
    if (used.some((one) => isLocked(descriptor, UNSHARED_AT + one)))
      throw new Error('another program has it open, and lets nobody else write it');
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return { close: () => closeSync(descriptor) };
}

/** False: another open file has the byte for itself. */
function claim(descriptor: number, byte: number): boolean {
  const errno = ask(descriptor, F_OFD_SETLK, F_RDLCK, byte);
  if (errno !== 0 && errno !== EAGAIN && errno !== EACCES) throw systemError('fcntl', errno);
  return errno === 0;
}

/** By another open file than this one. */
function isLocked(descriptor: number, byte: number): boolean {
  const errno = ask(descriptor, F_OFD_GETLK, F_WRLCK, byte);
  if (errno !== 0) throw systemError('fcntl', errno);
  return view.getInt16(0, true) !== F_UNLCK;
}

/** 0, or the errno. */
function ask(descriptor: number, command: number, type: number, byte: number): number {
  const { fcntl } = calls();
  for (;;) {
    flock.fill(0);
    view.setInt16(0, type, true);
    view.setBigInt64(8, BigInt(byte), true);
    view.setBigInt64(16, 1n, true);
    if (fcntl(descriptor, command, flock) >= 0) return 0;
    const errno = libc().errno();
    if (errno !== EINTR) return errno;
  }
}
