/**
 * The network device [virtio-v1.2 §5.1]: one pair of queues over a `PacketLink`, both on one thread. No offloads, no
 * control queue: every packet is a whole frame, and its header says nothing but how many buffers it fills.
 *
 * No packet is lost between the guest and the link: what the link has no room for stays in the ring, and what the
 * guest has no buffers for stays in the link, which is not listened to meanwhile. Dropped, and counted, is what no
 * waiting would help: a packet longer than the buffer at hand where buffers are not merged, and what is no frame.
 */

import { VIRTIO_ID_NET } from '../formats/ids.ts';
import * as net from '../formats/net.ts';
import type { Request } from '../host/queue.ts';
import { VIRTIO_F_VERSION_1 } from '../ring/constants.ts';
import { featureWord, hasFeature } from '../ring/feature-word.ts';
import type { Device, DeviceQueue, QueueService } from './device.ts';
import type { NetDeviceOptions } from './net-options.ts';
import { type HeldFrame, NetReceive } from './net-receive.ts';
import type { PacketLink } from './packet-link.ts';
import { rarpFrame } from './rarp.ts';
import { NOT_NOW, type RequestHandler, RequestLoop } from './request-loop.ts';
import type { Turn } from './turn.ts';

export type { NetDeviceOptions };

export class NetDevice implements Device {
  readonly id = VIRTIO_ID_NET;
  readonly name = 'net';
  readonly features: bigint;
  readonly queueCount = 2;
  readonly config: Uint8Array;
  private readonly link: PacketLink;
  private readonly onReceived: NetDeviceOptions['onReceived'];
  /** Outlives the service of the receive queue: a restart loses nothing. */
  private readonly held: HeldFrame = { bytes: new Uint8Array(net.FRAME_MAX), length: -1 };
  /** As the constructor was told; 0: not said. */
  private readonly mtu: number;
  private headerBytes = net.NET_HEADER_SIZE_LEGACY;
  private mergeable = false;

  /** @throws RangeError */
  constructor({ link, mac, mtu = 0, onReceived }: NetDeviceOptions) {
    if (mac !== undefined && mac.length !== 6) throw new RangeError(`a MAC address has 6 bytes, not ${mac.length}`);
    if (mtu !== 0 && !(Number.isInteger(mtu) && mtu >= net.MTU_MIN && mtu <= net.MTU_MAX))
      throw new RangeError(`an MTU is ${net.MTU_MIN} to ${net.MTU_MAX}, not ${mtu}`);
    this.link = link;
    this.mtu = mtu;
    this.onReceived = onReceived;
    this.features = featureWord(
      net.VIRTIO_NET_F_MRG_RXBUF,
      net.VIRTIO_NET_F_STATUS,
      ...(mac === undefined ? [] : [net.VIRTIO_NET_F_MAC]),
      ...(mtu === 0 ? [] : [net.VIRTIO_NET_F_MTU]),
    );
    this.config = net.netConfig({ mac: mac ?? null, mtu });
  }

  acknowledge(features: bigint): void {
    this.mergeable = hasFeature(features, net.VIRTIO_NET_F_MRG_RXBUF);
    const long = this.mergeable || hasFeature(features, VIRTIO_F_VERSION_1);
    this.headerBytes = long ? net.NET_HEADER_SIZE : net.NET_HEADER_SIZE_LEGACY;
  }

  writeConfig(): boolean {
    return false;
  }

  reset(): void {
    this.keepMtu(this.mtu);
  }

  announce(macAddress: Uint8Array): boolean {
    const frame = rarpFrame(macAddress);
    try {
      return this.link.send(frame, frame.length);
    } catch (error) {
      // The interface is gone, which its queues find out by themselves.
      if (!(error instanceof Error && 'syscall' in error)) throw error;
      return false;
    }
  }

  setMtu(mtuBytes: number): boolean {
    if (this.mtu === 0) return true;
    if (mtuBytes > this.mtu) return false;
    this.keepMtu(mtuBytes);
    return true;
  }

  start(index: number, queue: DeviceQueue): QueueService {
    const { link, headerBytes, mergeable, held, onReceived } = this;
    if (index === net.NET_RECEIVE_QUEUE)
      return new NetReceive(queue, { link, headerBytes, mergeable, held, onReceived });
    if (index === net.NET_TRANSMIT_QUEUE) {
      link.onWritable = queue.wake;
      return new RequestLoop(queue, new TransmitHandler(link, headerBytes));
    }
    throw new RangeError(`a network device has queues 0 and 1, not ${index}`);
  }

  close(): void {
    this.link.close();
  }

  private keepMtu(mtuBytes: number): void {
    new DataView(this.config.buffer).setUint16(net.NET_CONFIG_MTU, mtuBytes, true);
  }
}

class TransmitHandler implements RequestHandler {
  failures = 0;
  bytes = 0;
  private readonly link: PacketLink;
  private readonly headerBytes: number;
  private readonly frame = new Uint8Array(net.FRAME_MAX);

  constructor(link: PacketLink, headerBytes: number) {
    this.link = link;
    this.headerBytes = headerBytes;
  }

  serve({ readable }: Request, turn: Turn): number {
    const length = readable.totalBytes() - this.headerBytes;
    if (length < net.ETH_HEADER_SIZE || length > net.FRAME_MAX) {
      this.failures++;
      return 0;
    }
    readable.rewind();
    readable.skip(this.headerBytes);
    readable.pull(this.frame, 0, length);
    turn.spend(length);
    if (!this.link.send(this.frame, length)) return NOT_NOW;
    this.bytes += length;
    return 0;
  }

  stop(): void {
    this.link.onWritable = null;
  }
}
