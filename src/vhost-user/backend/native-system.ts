/** What libc does for a backend session: descriptors, memory of its own, other channels. */
import { sizeOfFile } from '../../native/descriptors.ts';
import { openMemfd } from '../../native/memfd.ts';
import { demandLocalFile } from '../../native/strangers.ts';
import type { Handle } from '../messages/handle.ts';
import { SocketChannel } from '../messages/socket-channel.ts';
import { CallBell } from '../queues/notifications.ts';
import type { SessionSystem } from './backend-options.ts';
import { postcopyOpener } from './postcopy.ts';

/** Bytes behind a handle. @throws SystemError, TypeError for what has no size. */
export function sizeOfHandle(handle: Handle): number {
  if (handle.kind === 'descriptor') {
    demandLocalFile(handle.descriptor);
    return sizeOfFile(handle.descriptor);
  }
  if (handle.kind === 'memory') return handle.memory.buffer.byteLength;
  throw new TypeError('a doorbell has no size');
}

export interface NativeSystemOptions {
  /** Postcopy is offered where it is possible: the frontend is trusted with this process's memory. Default false. */
  readonly postcopy?: boolean;
}

export function nativeSystem({ postcopy = false }: NativeSystemOptions = {}): SessionSystem {
  return {
    sizeOf: sizeOfHandle,
    allocate: (name, sizeBytes) => ({ kind: 'descriptor', descriptor: openMemfd(name, sizeBytes) }),
    ring(handle) {
      new CallBell(handle, null, (error) => {
        throw error;
      }).ring();
    },
    openChannel: (descriptor) => new SocketChannel(descriptor),
    openPostcopy: postcopy ? postcopyOpener() : null,
  };
}
