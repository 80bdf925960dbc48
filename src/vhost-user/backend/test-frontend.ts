/**
 * For tests: a frontend made of single messages, and the guest behind it with its memory, rings and eventfds in this
 * process. It keeps no rule by itself, so that every wrong order can be written down.
 */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { MockDriver, type UsedEntry } from '../../guest/mock-driver.ts';
import { MemoryRegion } from '../../memory/region.ts';
import { closeDescriptor, duplicateDescriptor } from '../../native/descriptors.ts';
import { closeEventfd, openEventfd, takeEventfd } from '../../native/eventfd.ts';
import { type Mapping, mapFile } from '../../native/mapping.ts';
import { openMemfd } from '../../native/memfd.ts';
import { bindRing } from '../../ordering/ring-fields.ts';
import { seqcst } from '../../ordering/seqcst.ts';
import { VRING_DESC_F_WRITE } from '../../ring/constants.ts';
import { modernLayout, SplitRing } from '../../ring/split-layout.ts';
import type { Channel } from '../messages/channel.ts';
import type { Handle } from '../messages/handle.ts';
import { decodeReply, encode, type NameFrom, type Reply, type RequestToSend } from '../messages/message.ts';
import type { MemoryRegionDescription } from '../messages/payload.ts';

/** Of a wait for what does not come. */
const WAIT_MS = 60_000;

export const file = (descriptor: number): Handle => ({ kind: 'descriptor', descriptor });

type FrontendName = NameFrom<'frontend'>;

/** Waits until a condition holds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `waited in vain: ${what}`);
    await delay(1);
  }
}

export class TestFrontend {
  readonly channel: Channel;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  /** Sends a request and takes no answer. */
  tell(request: RequestToSend<FrontendName>): Promise<void> {
    return this.channel.send(encode(request));
  }

  /** Sends a request and takes its answer; an acknowledgement is asked for. */
  async ask<N extends FrontendName>(request: RequestToSend & { readonly request: N }): Promise<Reply<N>> {
    await this.channel.send(encode({ ...request, needsReply: true }));
    const message = await this.channel.receive();
    assert.ok(message, `the backend went away instead of answering ${request.request}`);
    return decodeReply<N>(request.request, message);
  }

  /** The value of an answer that is a number. */
  async value(request: RequestToSend<FrontendName>): Promise<bigint> {
    return ((await this.ask(request)) as unknown as { value: bigint }).value;
  }

  /** Features and protocol features, with acknowledgements. */
  async negotiate(features: bigint, protocolFeatures: bigint): Promise<void> {
    await this.tell({ request: 'SET_PROTOCOL_FEATURES', value: protocolFeatures });
    await this.tell({ request: 'SET_OWNER' });
    assert.equal(await this.value({ request: 'SET_FEATURES', value: features }), 0n);
  }

  /** Everything a queue needs, up to its kick; the last answer tells that it is done. */
  async setUp(guest: TestGuest, index: number, availIdx = 0): Promise<void> {
    const { size, addresses, kick, call, err } = guest.ring(index);
    await this.tell({ request: 'SET_VRING_NUM', index, num: size });
    await this.tell({ request: 'SET_VRING_BASE', index, num: availIdx });
    await this.tell({ request: 'SET_VRING_ADDR', index, flags: 0, ...addresses, log: 0n });
    await this.tell({ request: 'SET_VRING_CALL', index, noDescriptor: false, handles: [file(call)] });
    await this.tell({ request: 'SET_VRING_ERR', index, noDescriptor: false, handles: [file(err)] });
    await this.tell({ request: 'SET_VRING_KICK', index, noDescriptor: false, handles: [file(kick)] });
    assert.equal(await this.value({ request: 'SET_VRING_ENABLE', index, num: 1 }), 0n);
  }

  setMemory(guest: TestGuest): Promise<void> {
    return this.tell({ request: 'SET_MEM_TABLE', regions: [guest.region], handles: [file(guest.memory)] });
  }

  /** Stops a queue; where it stands. */
  async stop(index: number): Promise<number> {
    return (await this.ask({ request: 'GET_VRING_BASE', index, num: 0 })).num;
  }
}

export interface TestRing {
  readonly size: number;
  /** Where its requests' data begin in memory, bytes. */
  readonly data: number;
  readonly driver: MockDriver;
  readonly addresses: { desc: bigint; avail: bigint; used: bigint };
  readonly kick: number;
  readonly call: number;
  readonly err: number;
}

const RING_SIZE = 16;
const RING_STRIDE = 4096;
const DATA = 65536;
const REQUEST_STRIDE = 256;

/** Rings of other sizes: behind the data of as many heads as the largest of them has, two at most. */
const SIZED_RING_MAX = 1024;
const SIZED_RINGS = 0xc0000;
const SIZED_RING_STRIDE = 0x8000;

/** Memory of 1 MiB: rings first, then data. */
export class TestGuest {
  static readonly sizeBytes = 2 ** 20;
  /** A memfd. */
  readonly memory: number;
  readonly region: MemoryRegionDescription;
  readonly view: MemoryRegion;
  readonly mapping: Mapping;
  private readonly rings: TestRing[] = [];

  constructor(queueCount = 1, guestBase = 0x100000) {
    const { sizeBytes } = TestGuest;
    this.memory = openMemfd('test guest', sizeBytes);
    this.mapping = mapFile(this.memory, { offsetBytes: 0, sizeBytes });
    this.view = new MemoryRegion({ guestBase, buffer: this.mapping.buffer });
    this.region = {
      guestAddress: BigInt(guestBase),
      sizeBytes: BigInt(sizeBytes),
      userAddress: 0x7f0000000000n,
      mmapOffset: 0n,
    };
    for (let index = 0; index < queueCount; index++) this.rings.push(this.makeRing(index));
  }

  ring(index: number): TestRing {
    return this.rings[index]!;
  }

  /** A ring of another size, all zeros, in another place; the same descriptors ring it. */
  remake(index: number, size: number): void {
    const base = SIZED_RINGS + index * SIZED_RING_STRIDE;
    this.view.u8.fill(0, base, base + SIZED_RING_STRIDE);
    const data = DATA + index * SIZED_RING_MAX * REQUEST_STRIDE;
    this.rings[index] = { ...this.ring(index), ...this.placeRing(base, size), data };
  }

  private makeRing(index: number): TestRing {
    return {
      ...this.placeRing(index * RING_STRIDE, RING_SIZE),
      data: DATA + index * RING_SIZE * REQUEST_STRIDE,
      kick: openEventfd(),
      call: openEventfd(),
      err: openEventfd(),
    };
  }

  private placeRing(base: number, size: number): Pick<TestRing, 'size' | 'driver' | 'addresses'> {
    const layout = modernLayout(size);
    const ring = SplitRing.within(this.view, base, layout);
    const at = (offset: number) => this.region.userAddress + BigInt(base + offset);
    return {
      size,
      driver: new MockDriver({ ring, shared: bindRing(seqcst, ring), region: this.view }),
      addresses: { desc: at(layout.descOffset), avail: at(layout.availOffset), used: at(layout.usedOffset) },
    };
  }

  /** Makes a request of 4 bytes available, with room for the same 4. */
  offer(index: number, head: number, value: number): void {
    const { driver, data } = this.ring(index);
    const offset = data + head * REQUEST_STRIDE;
    this.view.u32[offset >>> 2] = value;
    this.view.u32[(offset + 64) >>> 2] = 0;
    driver.writeChain(head, [
      { offset, length: 4 },
      { offset: offset + 64, length: 4, flags: VRING_DESC_F_WRITE },
    ]);
    driver.offer(head);
  }

  answerOf(index: number, head: number): number {
    return this.view.u32[(this.ring(index).data + head * REQUEST_STRIDE + 64) >>> 2]!;
  }

  /** Where the answer to a head is written, by guest address. */
  answerAddress(index: number, head: number): number {
    return this.view.addressOf(this.ring(index).data + head * REQUEST_STRIDE + 64);
  }

  async nextUsed(index: number): Promise<UsedEntry> {
    const { driver } = this.ring(index);
    let used = driver.readUsed();
    await until(() => {
      used ??= driver.readUsed();
      return used !== null;
    }, `an answer on queue ${index}`);
    return used!;
  }

  /** Offers, kicks by `kick`, and checks the answer. */
  async exchange(index: number, head: number, value: number, kick: () => void): Promise<void> {
    this.offer(index, head, value);
    kick();
    assert.deepEqual(await this.nextUsed(index), { id: head, length: 4 });
    assert.equal(this.answerOf(index, head), value);
  }

  /** Waits for a call, and takes it. */
  called(index: number): Promise<void> {
    return until(() => takeEventfd(this.ring(index).call), `a call of queue ${index}`);
  }

  /** A descriptor of the same memory, as another region would come. */
  duplicate(): number {
    return duplicateDescriptor(this.memory);
  }

  close(): void {
    for (const { kick, call, err } of this.rings) for (const descriptor of [kick, call, err]) closeEventfd(descriptor);
    this.mapping.close();
    closeDescriptor(this.memory);
  }
}
