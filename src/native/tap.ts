/**
 * A tap: a network interface of this machine whose other end is a descriptor, one Ethernet frame a read or a write.
 * Nothing here blocks: whether there is a frame, or room for one, is the watcher's to tell. The interface vanishes
 * when the descriptor is closed.
 */
import { closeSync, constants as files, openSync } from 'node:fs';
import { constants } from 'node:os';
import { systemError } from './errors.ts';
import { lazyCalls, libc } from './libc.ts';
import { InterfaceRequest } from './network-interface.ts';

interface Calls {
  read(descriptor: number, into: Uint8Array, sizeBytes: number): number;
  write(descriptor: number, bytes: Uint8Array, sizeBytes: number): number;
  ioctl(descriptor: number, request: number, argument: Int32Array): number;
}

const calls = lazyCalls<Calls>({
  read: 'int64_t read(int descriptor, void *into, uint64_t size)',
  write: 'int64_t write(int descriptor, void *bytes, uint64_t size)',
  ioctl: 'int ioctl(int descriptor, unsigned long request, void *argument)',
});

const { EAGAIN, EBADF, EINTR } = constants.errno;
/** The interface was removed by somebody else. Node has no name for it. */
const EBADFD = 77;

const TUN = '/dev/net/tun';
const TUNSETIFF = 0x400454ca;
const TUNSETVNETHDRSZ = 0x400454d8;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;

export interface TapOptions {
  /** Of the virtio-net header before each frame, both ways: 10 or 12. 0: none. */
  readonly headerSizeBytes?: 0 | 10 | 12;
}

export class TapDevice {
  readonly descriptor: number;
  readonly name: string;
  /** Frames that the interface refused, as one that is down or a frame that is too short does. They are lost. */
  refusedFrames = 0;

  constructor(descriptor: number, name: string) {
    this.descriptor = descriptor;
    this.name = name;
  }

  /** The next frame: its bytes, those that `into` has no room for lost; -1: there is none now. */
  receive(into: Uint8Array): number {
    for (;;) {
      const received = calls().read(this.descriptor, into, into.length);
      if (received >= 0) return received;
      const errno = libc().errno();
      if (errno === EAGAIN) return -1;
      if (errno !== EINTR) throw systemError('read', errno, this.name);
    }
  }

  /** Sends the first `length` bytes as a frame. False: there is no room for it now. True: sent, or refused for good. */
  send(bytes: Uint8Array, length: number): boolean {
    if (length < 0 || length > bytes.length) throw new RangeError(`a frame of ${length} bytes of ${bytes.length}`);
    for (;;) {
      if (calls().write(this.descriptor, bytes, length) >= 0) return true;
      const errno = libc().errno();
      if (errno === EAGAIN) return false;
      if (errno === EBADF || errno === EBADFD) throw systemError('write', errno, this.name);
      // Any other error is about the frame, which may be a guest's: the device must not fail for it.
      if (errno !== EINTR) {
        this.refusedFrames++;
        return true;
      }
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

/**
 * The tap of this name: a new one, or one that was set up to stay. `''`, or a name with `%d`, lets the kernel choose.
 * @throws SystemError EPERM without the right to, ENOENT or EACCES without the device, EBUSY if another holds it
 */
export function openTap(name: string, { headerSizeBytes = 0 }: TapOptions = {}): TapDevice {
  const request = new InterfaceRequest(name);
  request.value.setUint16(0, IFF_TAP | IFF_NO_PI | (headerSizeBytes === 0 ? 0 : IFF_VNET_HDR), true);
  // Node's own open: in a worker, Node closes it when the thread ends.
  const descriptor = openSync(TUN, files.O_RDWR | files.O_NONBLOCK);
  try {
    request.send(descriptor, TUNSETIFF, `TUNSETIFF ${name}`);
    if (headerSizeBytes !== 0) setHeaderSize(descriptor, headerSizeBytes);
    return new TapDevice(descriptor, request.name);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function setHeaderSize(descriptor: number, sizeBytes: number): void {
  if (calls().ioctl(descriptor, TUNSETVNETHDRSZ, Int32Array.of(sizeBytes)) < 0)
    throw systemError('ioctl', libc().errno(), `TUNSETVNETHDRSZ ${sizeBytes}`);
}
