/** Devices of the command line as plain data, and what the original says of each when it stands on the bus. */
import { VIRTIO_CONFIG_BLK_F_CAPACITY } from '../formats/lguest-bus.ts';
import type { DeviceDescription } from './device-service.ts';

export interface LaunchBlockOptions {
  readonly kind: 'block';
  readonly path: string;
  readonly readOnly: boolean;
}

export type LaunchLink =
  /** Another launcher on this machine that has the same name. */
  | { readonly kind: 'pair'; readonly name: string }
  /** A tap, up, with this IPv4 address. */
  | { readonly kind: 'address'; readonly address: string }
  /** A tap in this bridge. */
  | { readonly kind: 'bridge'; readonly bridge: string }
  /** What the guest sends comes back. */
  | { readonly kind: 'loopback' };

export interface LaunchNetOptions {
  readonly kind: 'net';
  readonly link: LaunchLink;
  /** The guest's, 6 bytes. */
  readonly mac: Uint8Array;
}

/** It can be sent to a thread. */
export type LaunchDeviceOptions = LaunchBlockOptions | LaunchNetOptions;

const LINKS: { [K in LaunchLink['kind']]: (link: Extract<LaunchLink, { kind: K }>) => [string, ...string[]] } = {
  pair: ({ name }) => [`pair net ${name}`],
  address: ({ address }) => [`tun net ${address}`],
  bridge: ({ bridge }) => ['tun net 0.0.0.0', `attached to bridge: ${bridge}`],
  loopback: () => ['loopback net'],
};

/** For `--verbose`. */
export function deviceLines(index: number, options: LaunchDeviceOptions, { fields }: DeviceDescription): string[] {
  if (options.kind === 'block') {
    const capacity = fields.find(({ type }) => type === VIRTIO_CONFIG_BLK_F_CAPACITY)?.bytes ?? new Uint8Array(8);
    const sectors = new DataView(capacity.buffer, capacity.byteOffset).getBigUint64(0, true);
    return [`device ${index}: virtblock ${sectors} sectors`];
  }
  const [first, ...more] = (LINKS[options.link.kind] as (link: LaunchLink) => string[])(options.link);
  return [`device ${index}: ${first}`, ...more];
}
