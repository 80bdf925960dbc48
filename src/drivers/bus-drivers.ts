/**
 * The drivers on the launcher's bus: each takes its buffers from the guest's memory and its configuration space from
 * the fields of the device page. Guest thread, once a device.
 *
 * Rings of the bus have no features, and headers of packets are the short ones. What a block device without a DEVICE
 * field does is fixed: it flushes when it is told to.
 */
import {
  BLK_CONFIG_CAPACITY,
  BLK_CONFIG_SEG_MAX,
  VIRTIO_BLK_F_BARRIER,
  VIRTIO_BLK_F_FLUSH,
  VIRTIO_BLK_F_RO,
  VIRTIO_BLK_F_SEG_MAX,
} from '../formats/block.ts';
import { CONSOLE_RECEIVE_QUEUE, CONSOLE_TRANSMIT_QUEUE } from '../formats/console.ts';
import {
  LGUEST_BLK_CAPACITY_SIZE,
  LGUEST_BLK_SEG_MAX_SIZE,
  LGUEST_NET_MAC_SIZE,
  VIRTIO_CONFIG_BLK_F_CAPACITY,
  VIRTIO_CONFIG_BLK_F_SEG_MAX,
  VIRTIO_CONFIG_NET_MAC_F,
} from '../formats/lguest-bus.ts';
import {
  ETH_HEADER_SIZE,
  MTU_DEFAULT,
  NET_CONFIG_MAC,
  NET_HEADER_SIZE_LEGACY,
  NET_RECEIVE_QUEUE,
  NET_TRANSMIT_QUEUE,
  VIRTIO_NET_F_MAC,
} from '../formats/net.ts';
import { featureWord } from '../ring/feature-word.ts';
import { BlockDriver } from './block.ts';
import { BLOCK_CONFIG_SIZE } from './block-config.ts';
import { type BusDevice, BusError } from './bus.ts';
import { ConsoleDriver } from './console.ts';
import { EntropyDriver } from './entropy.ts';
import { NetDriver } from './net.ts';
import type { GuestRam } from './ram.ts';
import { Slots } from './slots.ts';

const BLOCK_FEATURES = featureWord(VIRTIO_BLK_F_BARRIER, VIRTIO_BLK_F_SEG_MAX, VIRTIO_BLK_F_RO, VIRTIO_BLK_F_FLUSH);
const NOTHING = new Uint8Array(0);

const NET_SLOT_BYTES = NET_HEADER_SIZE_LEGACY + ETH_HEADER_SIZE + MTU_DEFAULT;
/** A packet takes two descriptors: its header is an element of its own. */
const NET_DESCRIPTORS = 2;

const CONSOLE_INPUT_SLOTS = { count: 4, slotBytes: 256 };
const CONSOLE_OUTPUT_SLOTS = { count: 16, slotBytes: 512 };
const ENTROPY_SLOTS = { count: 2, slotBytes: 64 };

function slotsFor(ram: GuestRam, { count, slotBytes }: { count: number; slotBytes: number }): Slots {
  return new Slots({ region: ram.region, offset: ram.take(Slots.bytesFor(count, slotBytes)), count, slotBytes });
}

/** @throws BusError, BlockConfigError, RangeError: the memory does not do for `depth` slots of `slotBytes` */
export function driveBlock(
  device: BusDevice,
  ram: GuestRam,
  { depth, slotBytes }: { depth: number; slotBytes: number },
): BlockDriver {
  return device.drive(() => {
    const capacity = device.field(VIRTIO_CONFIG_BLK_F_CAPACITY, LGUEST_BLK_CAPACITY_SIZE);
    if (capacity === null) throw new BusError('no capacity has block device', device.index);
    const segMax = device.field(VIRTIO_CONFIG_BLK_F_SEG_MAX, LGUEST_BLK_SEG_MAX_SIZE);
    const config = new Uint8Array(BLOCK_CONFIG_SIZE);
    config.set(capacity, BLK_CONFIG_CAPACITY);
    if (segMax !== null) config.set(segMax, BLK_CONFIG_SEG_MAX);
    const chosen = device.negotiate(BLOCK_FEATURES) ?? featureWord(VIRTIO_BLK_F_FLUSH);
    return new BlockDriver({
      queue: device.openQueue(0),
      region: ram.region,
      offset: ram.take(BlockDriver.bytesFor(depth, slotBytes)),
      depth,
      slotBytes,
      features: segMax === null ? chosen : chosen | featureWord(VIRTIO_BLK_F_SEG_MAX),
      config,
    });
  });
}

/** @throws BusError, NetConfigError, RangeError */
export function driveNet(device: BusDevice, ram: GuestRam): NetDriver {
  return device.drive(() => {
    const mac = device.field(VIRTIO_CONFIG_NET_MAC_F, LGUEST_NET_MAC_SIZE);
    const config = mac === null ? NOTHING : new Uint8Array(NET_CONFIG_MAC + mac.length);
    if (mac !== null) config.set(mac, NET_CONFIG_MAC);
    device.negotiate(featureWord(VIRTIO_NET_F_MAC));
    const end = (index: number) => {
      const queue = device.openQueue(index);
      const count = Math.max(1, Math.floor(queue.size / NET_DESCRIPTORS));
      return { queue, slots: slotsFor(ram, { count, slotBytes: NET_SLOT_BYTES }) };
    };
    return new NetDriver({
      receive: end(NET_RECEIVE_QUEUE),
      transmit: end(NET_TRANSMIT_QUEUE),
      features: mac === null ? 0n : featureWord(VIRTIO_NET_F_MAC),
      config,
    });
  });
}

/** @throws BusError, RangeError */
export function driveConsole(device: BusDevice, ram: GuestRam): ConsoleDriver {
  return device.drive(() => {
    device.negotiate(0n);
    return new ConsoleDriver({
      receive: { queue: device.openQueue(CONSOLE_RECEIVE_QUEUE), slots: slotsFor(ram, CONSOLE_INPUT_SLOTS) },
      transmit: { queue: device.openQueue(CONSOLE_TRANSMIT_QUEUE), slots: slotsFor(ram, CONSOLE_OUTPUT_SLOTS) },
      features: 0n,
      config: NOTHING,
    });
  });
}

/** @throws BusError, RangeError */
export function driveEntropy(device: BusDevice, ram: GuestRam): EntropyDriver {
  return device.drive(() => {
    device.negotiate(0n);
    return new EntropyDriver({ queue: device.openQueue(0), slots: slotsFor(ram, ENTROPY_SLOTS) });
  });
}
