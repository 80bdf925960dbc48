/**
 * Devices from plain data, so that the same device can be opened in whatever thread serves one of its queues. Each
 * opening has its own disk or link.
 */
import { whyUnavailable } from '../native/libc.ts';
import { BlockDevice } from './block.ts';
import { ConsoleDevice } from './console.ts';
import { type ConsolePort, EchoPort, StreamPort } from './console-port.ts';
import type { Device } from './device.ts';
import { EntropyDevice } from './entropy.ts';
import { FileDisk, type FileDiskOptions } from './file-disk.ts';
import { NetDevice } from './net.ts';
import { loopbackLink, type PacketLink } from './packet-link.ts';
import { VectoredDisk } from './vectored-disk.ts';
import type { ConsoleSize } from './virtio-console.ts';

export interface BlockOptions {
  readonly kind: 'block';
  readonly image: string;
  readonly readOnly?: boolean;
  /** Request queues, which any number of threads can serve. Default 1. */
  readonly queues?: number;
  /** What the guest reads as the disk's serial, 20 bytes at most. */
  readonly serial?: string;
}

export interface NetOptions {
  readonly kind: 'net';
  /** Both queues are served by one thread. */
  readonly link: { readonly kind: 'loopback' };
  /** 6 bytes. Default: the guest chooses. */
  readonly mac?: Uint8Array;
  readonly mtu?: number;
}

export interface EntropyOptions {
  readonly kind: 'entropy';
}

export interface ConsoleOptions {
  readonly kind: 'console';
  /** The process's standard streams, or what is written comes back. Both queues are served by one thread. */
  readonly port: { readonly kind: 'standard-streams' } | { readonly kind: 'echo' };
  readonly size?: ConsoleSize;
}

/** Plain data: it can be sent to a thread. */
export type DeviceOptions = BlockOptions | NetOptions | EntropyOptions | ConsoleOptions;

/** @throws Error that names what cannot be opened; RangeError for values that no device has */
export function openDevice(options: DeviceOptions): Device {
  switch (options.kind) {
    case 'block':
      return openBlock(options);
    case 'net':
      return openNet(options);
    case 'entropy':
      return new EntropyDevice();
    case 'console':
      return openConsole(options);
  }
}

/** The disk of a file: by one call a request where libc can be called, else by one an element. */
export function openDisk(options: FileDiskOptions): FileDisk {
  return whyUnavailable() === null ? new VectoredDisk(options) : new FileDisk(options);
}

function openBlock({ image, readOnly = false, queues = 1, serial }: BlockOptions): Device {
  const disk = openDisk({ path: image, readOnly });
  return closing(disk, () => new BlockDevice({ disk, queues, ...(serial === undefined ? {} : { serial }) }));
}

function openNet({ link: linkOptions, mac, mtu }: NetOptions): Device {
  const link = openLink(linkOptions);
  const given = { ...(mac === undefined ? {} : { mac }), ...(mtu === undefined ? {} : { mtu }) };
  return closing(link, () => new NetDevice({ link, ...given }));
}

function openLink(options: NetOptions['link']): PacketLink {
  switch (options.kind) {
    case 'loopback':
      return loopbackLink();
  }
}

function openConsole({ port: portOptions, size }: ConsoleOptions): Device {
  const port = openPort(portOptions);
  return new ConsoleDevice({ port, ...(size === undefined ? {} : { size }) });
}

function openPort(options: ConsoleOptions['port']): ConsolePort {
  return options.kind === 'echo' ? new EchoPort() : new StreamPort(process.stdin, process.stdout);
}

/** What a device is made of is closed if the device cannot be made. */
function closing(part: { close(): void }, make: () => Device): Device {
  try {
    return make();
  } catch (error) {
    part.close();
    throw error;
  }
}
