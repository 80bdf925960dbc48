/**
 * For tests: guests that misbehave, each in one way, by the name that is their command line. Afterwards they wait for
 * ever: whatever ends them is the machine's doing. Their bus has a disk, a network and the console, in this order.
 */
import { LguestBus } from '../../drivers/bus.ts';
import { LGUEST_PAGE_SIZE, LGUEST_RING_ALIGN } from '../../formats/lguest-bus.ts';
import { MockDriver, type RawDescriptor } from '../../guest/mock-driver.ts';
import { bindRing } from '../../ordering/ring-fields.ts';
import { seqcst } from '../../ordering/seqcst.ts';
import { VRING_DESC_F_INDIRECT, VRING_DESC_F_NEXT, VRING_DESC_F_WRITE } from '../../ring/constants.ts';
import { alignUp, legacyLayout, SplitRing } from '../../ring/split-layout.ts';
import type { Guest } from '../guest.ts';

const NEXT = VRING_DESC_F_NEXT;
const WRITE = VRING_DESC_F_WRITE;
const INDIRECT = VRING_DESC_F_INDIRECT;

const BLOCK = 0;
const NET = 1;
const CONSOLE = 2;
/** What each ring has descriptors. */
const SIZE = 128;
/** Where buffers lie. */
const HEADER = 0x10000;
const DATA = 0x11000;
const STATUS = 0x12000;
const WAIT_MS = 10_000;

const T_IN = 0;
const T_OUT = 1;
const T_FLUSH = 4;

/** One queue, and all that a guest can do to it. */
class BadQueue {
  readonly driver: MockDriver;
  readonly address: number;
  readonly usedOffset: number;
  private readonly guest: Guest;

  constructor(guest: Guest, bus: LguestBus, device: number, index: number) {
    const { address, size } = bus.devices[device]!.queues[index]!;
    const layout = legacyLayout(size, LGUEST_RING_ALIGN);
    const ring = SplitRing.within(bus.region, address, layout);
    this.guest = guest;
    this.address = address;
    this.usedOffset = address + layout.usedOffset;
    this.driver = new MockDriver({ ring, shared: bindRing(seqcst, ring) });
  }

  /** Descriptors from 0 on as they are, made available, notified. */
  raw(...descriptors: RawDescriptor[]): void {
    for (const [i, descriptor] of descriptors.entries()) this.driver.writeDescriptor(i, descriptor);
    this.offer(0);
  }

  /** The same, linked as they should be. */
  chain(...descriptors: RawDescriptor[]): void {
    this.driver.writeChain(0, descriptors);
    this.offer(0);
  }

  offer(...heads: number[]): void {
    for (const head of heads) this.driver.putHead(head);
    this.driver.publish();
    this.guest.notify(this.address);
  }

  moveIndex(by: number): void {
    this.driver.moveAvailIdx(by);
    this.guest.notify(this.address);
  }
}

/** A machine for those who want to harm it. */
class BadMachine {
  readonly guest: Guest;
  readonly bus: LguestBus;
  readonly view: DataView;

  constructor(guest: Guest) {
    this.guest = guest;
    this.bus = new LguestBus(guest);
    this.view = new DataView(guest.memory.buffer);
  }

  queue(device: number, index: number): BadQueue {
    return new BadQueue(this.guest, this.bus, device, index);
  }

  get block(): BadQueue {
    return this.queue(BLOCK, 0);
  }

  /** Output of the console. */
  get output(): BadQueue {
    return this.queue(CONSOLE, 1);
  }

  /** The first address that is nowhere. */
  get limit(): number {
    const ends = this.bus.devices.flatMap(({ queues }) =>
      queues.map(({ address, size }) => address + legacyLayout(size, LGUEST_RING_ALIGN).sizeBytes),
    );
    return alignUp(Math.max(...ends), LGUEST_PAGE_SIZE);
  }

  /** A block request's header, 16 bytes. */
  header(type: number, sector = 0): RawDescriptor {
    this.view.setUint32(HEADER, type, true);
    this.view.setBigUint64(HEADER + 8, BigInt(sector), true);
    return { offset: HEADER, length: 16 };
  }
}

const data = (length: number, flags = 0, next = 0): RawDescriptor => ({ offset: DATA, length, flags, next });
const status: RawDescriptor = { offset: STATUS, length: 1, flags: WRITE };

export interface BadGuest {
  readonly name: string;
  /** What it dies of. */
  readonly reason: RegExp;
  act(machine: BadMachine): void;
}

const bad = (name: string, reason: RegExp, act: BadGuest['act']): BadGuest => ({ name, reason, act });

const BAD_HYPERCALLS = [
  bad('notify-at-limit', /^Bad NOTIFY 0x[0-9a-f]+$/, ({ guest, limit }) => guest.notify(limit)),
  bad('notify-far', /^Bad NOTIFY 0xffffffff$/, ({ guest }) => guest.notify(0xffffffff)),
  bad('notify-negative', /^Bad NOTIFY -1$/, ({ guest }) => guest.notify(-1)),
  bad('notify-fraction', /^Bad NOTIFY 0\.5$/, ({ guest }) => guest.notify(0.5)),
  bad('notify-nothing', /^Bad NOTIFY NaN$/, ({ guest }) => guest.notify(Number.NaN)),
  bad('status-of-nobody', /^Bad SET_STATUS of device 0x3$/, ({ guest }) => guest.setStatus(3, 1)),
  bad('status-too-large', /^Bad SET_STATUS 0x100 of device/, ({ guest }) => guest.setStatus(0, 256)),
  bad('halts', /^had enough$/, ({ guest }) => guest.halt('had enough')),
];

/** Rows 1, 2, 16 of the hostile classes: the ring. */
const BAD_RINGS = [
  bad('head-at-size', /Guest says index 128 is available/, ({ block }) => block.offer(SIZE)),
  bad('head-far', /Guest says index 65535 is available/, ({ output }) => output.offer(0xffff)),
  bad('index-jump', /Guest moved used index from 0 to 129/, ({ block }) => block.moveIndex(SIZE + 1)),
  bad('index-back', /Guest moved used index from 0 to 65535/, ({ output }) => output.moveIndex(-1)),
  // A flush is under way for longer than the next request needs to be looked at.
  bad('head-in-flight', /Guest says index 0 is available, but it is in flight/, (machine) => {
    const { block } = machine;
    block.driver.writeChain(0, [machine.header(T_FLUSH), status]);
    block.offer(0, 0);
  }),
  // The disk's zeroes come over the available ring, its index among it: row 22.
  bad('reads-over-its-ring', /Guest moved used index from 1 to 0/, (machine) => {
    const { block } = machine;
    const ring = legacyLayout(SIZE, LGUEST_RING_ALIGN);
    block.chain(machine.header(T_IN), { address: block.address + ring.availOffset, length: 512, flags: WRITE }, status);
  }),
];

/** Rows 3, 4, 5 to 10, 12 to 14: one request. */
const BAD_CHAINS = [
  bad('next-at-size', /Desc next is 128/, ({ output }) => output.raw(data(1, NEXT, SIZE))),
  bad('next-far', /Desc next is 65535/, ({ block }) => block.raw(data(16, NEXT, 0xffff))),
  bad('loop-of-one', /Looped descriptor 0/, ({ output }) => output.raw(data(1, NEXT, 0))),
  bad('loop-of-two', /Looped descriptor/, ({ block }) => block.raw(data(16, NEXT, 1), data(1, NEXT, 0))),
  bad('loop-behind', /Looped descriptor/, ({ output }) =>
    output.raw(data(1, NEXT, 1), data(1, NEXT, 2), data(1, NEXT, 1)),
  ),
  bad('out-after-in', /Descriptor 1 has out after in/, ({ block }) => block.chain(data(1, WRITE), data(16))),
  bad('indirect', /INDIRECT is set but the feature was not negotiated/, ({ output }) => output.raw(data(16, INDIRECT))),
  bad('indirect-and-next', /INDIRECT is set but/, ({ output }) => output.raw(data(16, INDIRECT | NEXT, 0))),
  bad('indirect-to-write', /INDIRECT is set but/, ({ output }) => output.raw(data(16, INDIRECT | WRITE))),
  bad('address-at-limit', /Invalid address 0x[0-9a-f]+/, ({ output, limit }) =>
    output.raw({ address: limit, length: 1 }),
  ),
  bad('end-past-limit', /Invalid address 0x[0-9a-f]+/, ({ output, limit }) =>
    output.raw({ address: limit - 1, length: 2 }),
  ),
  bad('sum-past-32-bits', /Invalid address 0x/, ({ output }) => output.raw({ address: 0xfffff000, length: 0x2000 })),
  bad('sum-past-64-bits', /Invalid address 0x/, ({ output }) =>
    output.raw({ address: 0xffff_ffff_ffff_fff0n, length: 0x20 }),
  ),
  bad('high-half', /Invalid address 0x100010000/, ({ output }) => output.raw({ address: 2 ** 32 + HEADER, length: 8 })),
  bad('read-into-nowhere', /Invalid address 0x/, (machine) =>
    machine.block.chain(machine.header(T_IN), { address: machine.limit, length: 512, flags: WRITE }, status),
  ),
  // Each element is all of memory: as many as pass 2^32 bytes.
  bad('sum-of-lengths', /add up to more than 2\^32 bytes/, ({ output, guest }) => {
    const count = Math.floor(2 ** 32 / guest.ramBytes) + 1;
    output.chain(...Array.from({ length: count }, () => ({ address: 0, length: guest.ramBytes })));
  }),
];

/** The launcher's own framing. */
const BAD_REQUESTS = [
  bad('block-short-header', /Bad iovec size 15 for struct virtio_blk_outhdr/, ({ block }) =>
    block.chain(data(15), status),
  ),
  bad('block-split-header', /Bad iovec size 8 for struct virtio_blk_outhdr/, ({ block }) =>
    block.chain(data(8), data(8), status),
  ),
  bad('block-header-and-data', /Bad iovec size 528 for struct virtio_blk_outhdr/, ({ block }) =>
    block.chain(data(528), status),
  ),
  // An element of length 0 is none.
  bad('block-empty-header', /Bad virtblk cmd 0 out=0 in=1/, ({ block }) => block.chain(data(0), status)),
  bad('block-odd-header', /Bad alignment 0x11002 for struct virtio_blk_outhdr/, ({ block }) =>
    block.chain({ offset: DATA + 2, length: 16 }, status),
  ),
  bad('block-long-footer', /Bad iovec size 2 for struct virtio_blk_inhdr/, ({ block }) =>
    block.chain(data(16), data(2, WRITE)),
  ),
  bad('block-no-footer', /Bad virtblk cmd 0 out=1 in=0/, ({ block }) => block.chain(data(16))),
  bad('block-no-header', /Bad virtblk cmd 0 out=0 in=1/, ({ block }) => block.chain(status)),
  bad('block-write-past-end', /Write past end 65024\+1024/, (machine) =>
    machine.block.chain(machine.header(T_OUT, 127), data(1024), status),
  ),
  bad('block-write-far', /Write past end/, (machine) =>
    machine.block.chain(machine.header(T_OUT, 2 ** 52), data(512), status),
  ),
  bad('net-long-header', /Bad iovec size 12 for struct virtio_net_hdr/, (machine) =>
    machine.queue(NET, 1).chain(data(12), data(60)),
  ),
  bad('net-in-send', /Input buffers in output queue\?/, (machine) =>
    machine.queue(NET, 1).chain(data(10), data(60), data(8, WRITE)),
  ),
  bad('net-nothing-to-send', /Bad iovec size 1 for struct virtio_net_hdr/, (machine) =>
    machine.queue(NET, 1).chain(data(1)),
  ),
  bad('console-in-output', /Input buffers in output queue\?/, ({ output }) => output.chain(data(8, WRITE))),
];

export const BAD_GUESTS: readonly BadGuest[] = [...BAD_HYPERCALLS, ...BAD_RINGS, ...BAD_CHAINS, ...BAD_REQUESTS];

/** With `loop` behind its name it goes on for ever instead of waiting. */
export default function badGuest(guest: Guest): void {
  const [name, then] = guest.commandLine.split(' ');
  const found = BAD_GUESTS.find((one) => one.name === name);
  if (found === undefined) guest.halt(`no bad guest ${name}`);
  else found.act(new BadMachine(guest));
  // It waits no longer than a test does: what was not noticed is to be told of.
  for (let i = 0; i < 10 || then === 'loop'; i++) if (then !== 'loop') guest.waitForInterrupt(WAIT_MS);
  guest.halt('nobody noticed');
}
