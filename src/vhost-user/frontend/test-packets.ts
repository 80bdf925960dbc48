/**
 * For tests: numbered packets through a network backend that sends back what it gets. As many are on their way as a
 * window allows; each must come back once, whole and in order.
 */

import { EventEmitter, once } from 'node:events';
import { NET_FEATURES, NetDriver } from '../../drivers/net.ts';
import { Slots } from '../../drivers/slots.ts';
import { NET_CONFIG_SIZE, NET_RECEIVE_QUEUE, NET_TRANSMIT_QUEUE } from '../../formats/net.ts';
import { EMPTY } from '../../guest/queue.ts';
import { RING_FEATURES, VhostUserDevice } from './frontend-device.ts';

/** Turns of the loop without letting the event loop turn. */
const TURNS_MAX = 64;
const STALL_MS = 60_000;
const RING_SIZE = 256;

/** A frame of the usual MTU and its header. */
const SLOT_BYTES = 1526;
const MIN_BYTES = 60;
const MAX_BYTES = 1514;
/** A test's own protocol number, [RFC 9542 §B.2]: nobody answers. */
const ETHERTYPE = 0x88b5;
const NUMBER_OFFSET = 14;
const FILL_OFFSET = 18;

/** Any odd multiplier spreads the number over length and filling. */
const spread = (number: number) => Math.imul(number, 0x9e3779b1) >>> 8;
const lengthOf = (number: number) => MIN_BYTES + (spread(number) % (MAX_BYTES - MIN_BYTES + 1));
const fillOf = (number: number) => spread(number) >>> 16;

/** Numbers start again at each run. */
export class PacketTrips {
  /** Packets that came back, of this run. */
  received = 0;
  private readonly driver: NetDriver;
  private readonly frame = new Uint8Array(MAX_BYTES);
  private readonly frameView = new DataView(this.frame.buffer);
  private readonly into = new Uint8Array(65536);
  private readonly intoView = new DataView(this.into.buffer);
  private packets = 0;
  private window = 0;
  private sent = 0;
  private running = false;
  private settle: (error: Error | null) => void = () => {};

  constructor(driver: NetDriver) {
    this.driver = driver;
    this.frame.fill(0xff, 0, 6);
    this.frame[6] = 2;
    this.frameView.setUint16(12, ETHERTYPE);
  }

  /**
   * Sends so many packets and gets them back, at most `window` on their way: fewer than there are receive buffers, or
   * a backend that does not wait drops some. @throws Error that names the first packet that was wrong
   */
  async run(packets: number, window: number): Promise<void> {
    this.packets = packets;
    this.window = window;
    this.sent = 0;
    this.received = 0;
    this.running = true;
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

  /** The device is gone, or all is done. */
  end(error: Error | null): void {
    this.running = false;
    this.settle(error);
  }

  /** Receives and sends until nothing can be done without the device. */
  readonly turn = (): void => {
    if (!this.running) return;
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

export interface NetConnectionOptions {
  readonly socketPath: string;
  /** Default: all that the driver understands. */
  readonly features?: bigint;
  readonly protocolFeatures?: bigint;
  /** Of each queue; as many as the ring has descriptors by default. */
  readonly slots?: number;
  /** Bytes of a receive buffer. Default: a whole frame. */
  readonly receiveSlotBytes?: number;
}

export interface NetConnection {
  readonly device: VhostUserDevice;
  readonly driver: NetDriver;
  readonly trips: PacketTrips;
  /** Calls of the backend, so far. */
  calls: number;
  /** Resolves when the present connection is over. */
  ended(): Promise<void>;
}

/** Connects a driver to a network backend and starts it. `device.close` ends it. */
export async function connectNet(options: NetConnectionOptions): Promise<NetConnection> {
  const { slots = RING_SIZE, receiveSlotBytes = SLOT_BYTES, ...rest } = options;
  const bytesFor = (slotBytes: number) => Slots.bytesFor(slots, slotBytes);
  const device = await VhostUserDevice.connect({
    ...{ features: RING_FEATURES | NET_FEATURES, ...rest },
    ...{ ringSize: RING_SIZE, queues: 2, queueGroup: 2, configBytes: NET_CONFIG_SIZE },
    memoryBytes: bytesFor(receiveSlotBytes) + bytesFor(SLOT_BYTES),
  });
  try {
    const side = (index: number, slotBytes: number) => {
      const { region } = device.memory;
      const offset = device.memory.allocate(bytesFor(slotBytes));
      return { queue: device.queues[index]!.queue, slots: new Slots({ region, offset, count: slots, slotBytes }) };
    };
    const driver = new NetDriver({
      receive: side(NET_RECEIVE_QUEUE, receiveSlotBytes),
      transmit: side(NET_TRANSMIT_QUEUE, SLOT_BYTES),
      ...{ features: device.features, config: device.config },
    });
    const trips = new PacketTrips(driver);
    const ends = new EventEmitter();
    const ended = async () => {
      if (device.isConnected) await once(ends, 'end');
    };
    const connection: NetConnection = { device, driver, trips, calls: 0, ended };
    await device.start({
      onCall: () => {
        connection.calls++;
        trips.turn();
      },
      onEnd: (error) => {
        trips.end(error ?? new Error('closed'));
        ends.emit('end');
      },
      onQueueError: (index) => trips.end(new Error(`the backend says that queue ${index} is broken`)),
    });
    return connection;
  } catch (error) {
    device.close();
    throw error;
  }
}

export interface TrippedPackets {
  readonly features: bigint;
  readonly seconds: number;
  readonly calls: number;
  /** The next available entry of each queue, as the backend says: it took as many, modulo 65,536. */
  readonly bases: readonly number[];
}

/** All of it: connects, sends all packets and gets them back, stops the queues, closes. */
export async function tripPackets(
  options: NetConnectionOptions,
  packets: number,
  window: number,
): Promise<TrippedPackets> {
  const connection = await connectNet(options);
  const { device, trips } = connection;
  try {
    const start = performance.now();
    await trips.run(packets, window);
    const seconds = (performance.now() - start) / 1000;
    return { features: device.features, seconds, calls: connection.calls, bases: await device.stop() };
  } finally {
    device.close();
  }
}
