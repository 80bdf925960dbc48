/**
 * Devices from plain data, so that the same device can be opened in whatever thread serves one of its queues. Each
 * opening has its own disk or link.
 */
import type { Readable } from 'node:stream';
import type { ConsoleSize } from '../formats/console.ts';
import { whyUnavailable } from '../native/libc.ts';
import { bringUp, setIpv4Address } from '../native/network-interface.ts';
import { openTap } from '../native/tap.ts';
import { BlockDevice } from './block.ts';
import { ConsoleDevice } from './console.ts';
import { type ConsolePort, EchoPort, StreamPort } from './console-port.ts';
import type { Device } from './device.ts';
import { EntropyDevice } from './entropy.ts';
import { FileDisk, type FileDiskOptions } from './file-disk.ts';
import { NetDevice } from './net.ts';
import { loopbackLink, type PacketLink } from './packet-link.ts';
import { standardOutput } from './standard-output.ts';
import { TapLink } from './tap-link.ts';
import { VectoredDisk } from './vectored-disk.ts';

export interface BlockOptions {
  readonly kind: 'block';
  readonly image: string;
  readonly readOnly?: boolean;
  /** Request queues, which any number of threads can serve. Default 1. */
  readonly queues?: number;
  /** What the guest reads as the disk's serial, 20 bytes at most. */
  readonly serial?: string;
}

/** What the guest sends comes back; or an interface of this machine, a new one unless it stands already. */
export type LinkOptions = { readonly kind: 'loopback' } | TapLinkOptions;

export interface TapLinkOptions {
  readonly kind: 'tap';
  readonly name: string;
  /** The machine's own address on it, as `192.0.2.1/24`; the interface is then brought up, too. */
  readonly address?: string;
}

export interface NetOptions {
  readonly kind: 'net';
  /** Both queues are served by one thread. */
  readonly link: LinkOptions;
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
  switch (options?.kind) {
    case 'block':
      return openBlock(options);
    case 'net':
      return openNet(options);
    case 'entropy':
      return new EntropyDevice();
    case 'console':
      return openConsole(options);
    default:
      throw notOne(options);
  }
}

/** For callers without types. */
function notOne(options: unknown): RangeError {
  const { kind } = Object(options) as { kind?: unknown };
  return new RangeError(`a device of kind block, net, entropy or console, not '${kind}'`);
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

function openLink(options: LinkOptions): PacketLink {
  if (options.kind === 'loopback') return loopbackLink();
  const tap = openTap(options.name);
  try {
    if (options.address !== undefined) {
      setIpv4Address(tap.name, options.address);
      bringUp(tap.name);
    }
    return new TapLink(tap);
  } catch (error) {
    tap.close();
    throw error;
  }
}

function openConsole({ port: portOptions, size }: ConsoleOptions): Device {
  const port = openPort(portOptions);
  return new ConsoleDevice({ port, ...(size === undefined ? {} : { size }) });
}

function openPort(options: ConsoleOptions['port']): ConsolePort {
  if (options.kind === 'echo') return new EchoPort();
  const { stdin }: { stdin: Readable & { unref?(): void } } = process;
  // The connection is what keeps a process that serves, not its input. A file has nothing to keep it with.
  stdin.unref?.();
  return new StreamPort(stdin, standardOutput());
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
