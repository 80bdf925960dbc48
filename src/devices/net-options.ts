/** What a network card is made with. */
import type { PacketLink } from './packet-link.ts';

export interface NetDeviceOptions {
  /** Closed with the device. */
  link: PacketLink;
  /** 6 bytes. Default: the guest chooses. */
  mac?: Uint8Array;
  /** What the guest is told, bytes. Default: not said. */
  mtu?: number;
  /** Told of each frame of the link, the first `length` of `bytes`: the guest has it, or it was dropped. */
  onReceived?: (bytes: Uint8Array, length: number, delivered: boolean) => void;
}
