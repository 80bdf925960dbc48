/** For tests: the echo device, whose thread counts the views of memory that it makes. */
import { libc } from '../../native/libc.ts';
import { EchoDevice, type EchoOptions } from '../backend/test-echo-device.ts';

export interface CountingOptions extends EchoOptions {
  /** MiB of views, of all threads. */
  readonly viewedMib: Int32Array;
}

/** As a module of devices in threads of their own. */
export function openDevice({ viewedMib, ...options }: CountingOptions): EchoDevice {
  const calls = libc();
  const { view } = calls;
  calls.view = (address, sizeBytes) => {
    Atomics.add(viewedMib, 0, Math.ceil(sizeBytes / 2 ** 20));
    return view(address, sizeBytes);
  };
  return new EchoDevice(options);
}
