/** Opens the launcher's devices from plain data, in the thread that serves them. */
import { AsyncDisk } from '../devices/async-disk.ts';
import type { Device } from '../devices/device.ts';
import type { Disk } from '../devices/disk.ts';
import { NetDevice } from '../devices/net.ts';
import { loopbackLink, type PacketLink } from '../devices/packet-link.ts';
import { openPairLink } from '../devices/pair-link.ts';
import { TapLink } from '../devices/tap-link.ts';
import { addToBridge, bringUp, setIpv4Address } from '../native/network-interface.ts';
import { openTap } from '../native/tap.ts';
import type { LaunchDeviceOptions, LaunchLink } from './device-options.ts';
import { launcherBlock } from './device-policy.ts';
import { ToldDisk } from './told-disk.ts';
import { toldLink } from './waker.ts';

/** The kernel puts the number there. */
const TAP_NAME = 'tap%d';

type Tell = (line: string) => void;

/**
 * `tell`: takes lines for `--verbose`; null: nobody does. `makeBlock`: the block device on the disk, that of the bus
 * unless told otherwise.
 * @throws Error that names what cannot be opened
 */
export async function openDevice(
  options: LaunchDeviceOptions,
  tell: Tell | null,
  makeBlock: (parts: { disk: Disk }) => Device = launcherBlock,
): Promise<Device> {
  if (options.kind === 'block') {
    const disk = new AsyncDisk({ path: options.path, readOnly: options.readOnly });
    return makeBlock({ disk: tell === null ? disk : new ToldDisk(disk, tell) });
  }
  const link = await openLink(options.link, tell);
  try {
    return new NetDevice({ link: tell === null ? link : toldLink(link, tell), mac: options.mac });
  } catch (error) {
    link.close();
    throw error;
  }
}

async function openLink(options: LaunchLink, tell: Tell | null): Promise<PacketLink> {
  if (options.kind === 'loopback') return loopbackLink();
  if (options.kind === 'pair') return openPairLink({ name: options.name, ...(tell === null ? {} : { tell }) });
  const tap = openTap(TAP_NAME);
  try {
    if (options.kind === 'bridge') addToBridge(tap.name, options.bridge);
    else setIpv4Address(tap.name, withPrefix(options.address));
    bringUp(tap.name);
    return new TapLink(tap);
  } catch (error) {
    tap.close();
    throw error;
  }
}

/** An address alone has the prefix of its class, as the kernel gives it. */
function withPrefix(address: string): string {
  if (address.includes('/')) return address;
  const first = Number.parseInt(address, 10);
  return `${address}/${first < 128 ? 8 : first < 192 ? 16 : 24}`;
}
