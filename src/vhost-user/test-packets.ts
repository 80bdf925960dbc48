/**
 * For tests: numbered packets through a network backend that sends back what it gets. As many are on their way as a
 * window allows; each must come back once, whole and in order.
 */

import { NET_FEATURES, NetDriver } from '../drivers/net.ts';
import { NET_CONFIG_SIZE } from '../drivers/net-config.ts';
import { NET_RECEIVE_QUEUE, NET_TRANSMIT_QUEUE } from '../drivers/net-format.ts';
import { Slots } from '../drivers/slots.ts';
import { EMPTY } from '../guest/queue.ts';
import { RING_FEATURES, VhostUserDevice } from './frontend-device.ts';

/** Turns of the loop without letting the event loop turn. */
const TURNS_MAX = 64;
const STALL_MS = 10_000;
const RING_SIZE = 256;

/** A frame of the usual MTU and its header. */
const SLOT_BYTES = 1526;
const MIN_BYTES = 60;
const MAX_BYTES = 1514;
/** A test's own protocol number, [RFC 9542 §B.2]: nobody answers. */
const ETHERTYPE = 0x88b5;
const NUMBER_OFFSET = 14;
const FILL_OFFSET = 18;

const lengthOf = (number: number) => MIN_BYTES + ((number * 7919) % (MAX_BYTES - MIN_BYTES + 1));
/** Any odd multiplier spreads the number over the filling. */
const fillOf = (number: number) => Math.imul(number, 0x9e3779b1) >>> 24;

export interface PacketTripsOptions {
  socketPath: string;
  packets: number;
  /** On their way at most; fewer than there are receive buffers, or a backend that does not wait drops some. */
  window: number;
  /** Default: all that the driver understands. */
  features?: bigint;
  /** Bytes of a receive buffer. Default: a whole frame. */
  receiveSlotBytes?: number;
  ringSize?: number;
}

export interface PacketTripsResult {
  readonly features: bigint;
  readonly seconds: number;
  /** Of the backend, for packets. */
  readonly calls: number;
}

class PacketTrips {
  calls = 0;
  private readonly driver: NetDriver;
  private readonly packets: number;
  private readonly window: number;
  private readonly frame = new Uint8Array(MAX_BYTES);
  private readonly frameView = new DataView(this.frame.buffer);
  private readonly into = new Uint8Array(65536);
  private readonly intoView = new DataView(this.into.buffer);
  private sent = 0;
  private received = 0;
  private ended = false;
  private settle: (error: Error | null) => void = () => {};

  constructor(driver: NetDriver, packets: number, window: number) {
    this.driver = driver;
    this.packets = packets;
    this.window = window;
    this.frame.fill(0xff, 0, 6);
    this.frame[6] = 2;
    this.frameView.setUint16(12, ETHERTYPE);
  }

  async run(): Promise<void> {
    let last = -1;
    const watch = setInterval(() => {
      if (this.received === last) this.end(new Error(`stalled: ${this.sent} sent, ${this.received} came back`));
      last = this.received;
    }, STALL_MS);
    try {
      await new Promise<void>((resolve, reject) => {
        this.settle = (error) => (error === null ? resolve() : reject(error));
        this.turn();
      });
    } finally {
      clearInterval(watch);
    }
  }

  end(error: Error | null): void {
    this.ended = true;
    this.settle(error);
  }

  /** Receives and sends until nothing can be done without the device. */
  readonly turn = (): void => {
    if (this.ended) return;
    try {
      for (let turns = 0; turns < TURNS_MAX; turns++) {
        this.driver.disableCalls();
        this.receiveAll();
        if (this.received === this.packets) {
          this.end(null);
          return;
        }
        this.sendAll();
        if (this.driver.enableCalls()) return;
      }
      setImmediate(this.turn);
    } catch (error) {
      this.end(error as Error);
    }
  };

  private receiveAll(): void {
    for (let length = this.driver.receive(this.into); length !== EMPTY; length = this.driver.receive(this.into)) {
      this.check(length);
      this.received++;
    }
    if (this.driver.dropped > 0) throw new Error(`place ${this.received}: no packet, or one too long`);
  }

  private check(length: number): void {
    const { received, into } = this;
    const number = this.intoView.getUint32(NUMBER_OFFSET);
    if (number !== received) throw new Error(`place ${received}: packet ${number}`);
    if (length !== lengthOf(number)) throw new Error(`packet ${number} came back with ${length} bytes`);
    const fill = fillOf(number);
    for (let i = FILL_OFFSET; i < length; i++)
      if (into[i] !== fill) throw new Error(`packet ${number} came back changed at byte ${i}`);
  }

  private sendAll(): void {
    const { driver, frame } = this;
    const end = Math.min(this.packets, this.received + this.window);
    while (this.sent < end) {
      const length = lengthOf(this.sent);
      this.frameView.setUint32(NUMBER_OFFSET, this.sent);
      frame.fill(fillOf(this.sent), FILL_OFFSET, length);
      // No room: what comes back next has left room.
      if (!driver.send(frame, length)) break;
      this.sent++;
    }
    driver.submit();
  }
}

/** Connects, sends all packets and gets them back, closes. @throws Error that names the first packet that was wrong */
export async function tripPackets(options: PacketTripsOptions): Promise<PacketTripsResult> {
  const { socketPath, packets, window, ringSize = RING_SIZE, receiveSlotBytes = SLOT_BYTES } = options;
  const features = options.features ?? RING_FEATURES | NET_FEATURES;
  const slotsBytes = Slots.bytesFor(ringSize, SLOT_BYTES) + Slots.bytesFor(ringSize, receiveSlotBytes);
  const device = await VhostUserDevice.connect({
    ...{ socketPath, features, ringSize, queues: 2, queueGroup: 2, configBytes: NET_CONFIG_SIZE },
    memoryBytes: slotsBytes,
  });
  try {
    const lane = (index: number, slotBytes: number) => {
      const { region } = device.memory;
      const offset = device.memory.allocate(Slots.bytesFor(ringSize, slotBytes));
      return { queue: device.queues[index]!.queue, slots: new Slots({ region, offset, count: ringSize, slotBytes }) };
    };
    const driver = new NetDriver({
      receive: lane(NET_RECEIVE_QUEUE, receiveSlotBytes),
      transmit: lane(NET_TRANSMIT_QUEUE, SLOT_BYTES),
      ...{ features: device.features, config: device.config },
    });
    const trips = new PacketTrips(driver, packets, window);
    let calls = 0;
    await device.start({
      onCall: () => {
        calls++;
        trips.turn();
      },
      onEnd: (error) => trips.end(error ?? new Error('closed')),
      onQueueError: (index) => trips.end(new Error(`the backend says that queue ${index} is broken`)),
    });
    const start = performance.now();
    await trips.run();
    const seconds = (performance.now() - start) / 1000;
    await device.stop();
    return { features: device.features, seconds, calls };
  } finally {
    device.close();
  }
}
