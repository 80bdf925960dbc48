/** Opens the launcher's devices from plain data, in the thread that serves them. */
import { AsyncDisk } from '../devices/async-disk.ts';
import { BlockDevice } from '../devices/block.ts';
import type { Device } from '../devices/device.ts';
import { NetDevice, type NetDeviceOptions } from '../devices/net.ts';
import { loopbackLink, type PacketLink } from '../devices/packet-link.ts';
import { openPairLink } from '../devices/pair-link.ts';
import { TapLink } from '../devices/tap-link.ts';
import { addToBridge, bringUp, setIpv4Address } from '../native/network-interface.ts';
import { openTap } from '../native/tap.ts';
import type { LaunchDeviceOptions, LaunchLink } from './device-options.ts';
import { launcherBlock } from './device-policy.ts';
import { ToldDisk } from './told-disk.ts';
import { searchingLink, toldLink } from './waker.ts';

/** The kernel puts the number there. */
const TAP_NAME = 'tap%d';

type Tell = (line: string) => void;

/** What a device knows of its place on the launcher's bus. */
export interface BusPlace {
  /** Takes a line that must be known. */
  readonly warn: Tell;
  /** The guest's driver has said that it drives the device. */
  readonly isDriven: () => boolean;
}

/**
 * `tell`: takes lines for `--verbose`; null: there is no --verbose. `bus`: null for a device that stands on another.
 * @throws Error that names what cannot be opened
 */
export async function openDevice(
  options: LaunchDeviceOptions,
  tell: Tell | null,
  bus: BusPlace | null,
): Promise<Device> {
  if (options.kind === 'block') {
    const file = new AsyncDisk({ path: options.path, readOnly: options.readOnly });
    const disk = tell === null ? file : new ToldDisk(file, tell);
    return bus === null ? new BlockDevice({ disk }) : launcherBlock({ disk }, bus.warn);
  }
  const { mac } = options;
  const opened = await openLink(options.link, tell);
  try {
    const link = tell === null ? opened : toldLink(opened, tell);
    return new NetDevice({
      link: bus === null ? link : searchingLink(link, warningOnce(bus)),
      // QEMU is told the address itself, and warns of a backend that tells it once more.
      ...(bus === null ? {} : { mac }),
      ...(tell === null ? {} : { onReceived: packetTold(tell) }),
    });
  } catch (error) {
    opened.close();
    throw error;
  }
}

/** A packet waits, and the guest's driver has no buffer for it. */
function warningOnce({ warn, isDriven }: BusPlace): () => void {
  let warned = false;
  return () => {
    // A guest that has not begun is not late.
    if (warned || !isDriven()) return;
    warned = true;
    warn('network: no dma buffer!');
  };
}

const packetTold =
  (tell: Tell): NonNullable<NetDeviceOptions['onReceived']> =>
  (bytes, length, delivered) => {
    const [first, second] = [bytes[0]!, bytes[1]!].map((byte) => byte.toString(16).padStart(2, '0'));
    tell(`tun input packet len ${length} [${first} ${second}] (${delivered ? 'sent' : 'discarded'})`);
  };

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
