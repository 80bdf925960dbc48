/**
 * Cases for host halves: a guest that offers right requests, chains and tables, most of the time; some of its words
 * are changed, in what it writes, later between two calls, or during one.
 */
import type { Random } from '../fuzz/random.ts';
import { VRING_DESC_F_INDIRECT, VRING_DESC_F_NEXT, VRING_DESC_F_WRITE } from '../ring/constants.ts';
import { FACE_RULES, type FaceName } from '../ring-oracle/host-oracle.ts';
import { anyEvent, SIZES, START_INDICES } from './choices.ts';
import { type CaseDescriptor, type During, type GuestAct, type HostCall, type HostCase, isCall } from './ring-case.ts';
import { DATA_AT, REGIONS, TABLES_AT } from './world.ts';

const FACES = Object.keys(FACE_RULES) as FaceName[];
const LENGTHS = [0, 1, 7, 8, 16, 100, 1000, 5000];
const ODD_LENGTHS = [0, 1, 15, 17, 16 * 65, 16 * 1025, 0x7fffffff, 0x80000000, 0xffffffff];
/** Addresses at borders: of regions, of 4 GiB, of what a number holds, of 64 bits. */
const EDGES = [
  ...REGIONS.flatMap(({ guestBase, sizeBytes }) => [guestBase, guestBase + sizeBytes]),
  2 ** 33,
  2 ** 32,
  2 ** 53,
  0,
].map(BigInt);
const LAST_ADDRESS = 0xffff_ffff_ffff_ffffn;
/** Among the first so many accesses of a call its peer comes in between. */
const ACCESSES = [4, 12, 30, 200];

const hexOf = (address: bigint): string => `0x${(address & LAST_ADDRESS).toString(16)}`;

const address = (random: Random): bigint => {
  if (random.oneIn(12)) return random.pick([...EDGES, LAST_ADDRESS + 1n]) + BigInt(random.below(33) - 16);
  const region = random.oneIn(4) ? random.pick(REGIONS) : REGIONS[0];
  // Mostly behind rings and tables; now and then the element lies over the ring itself.
  const from = region === REGIONS[0] && !random.oneIn(30) ? DATA_AT - 512 : 0;
  return BigInt(region.guestBase + from + random.below(region.sizeBytes - from));
};

const element = (random: Random): Omit<CaseDescriptor, 'next'> => ({
  address: hexOf(address(random)),
  length: random.oneIn(40) ? random.pick(ODD_LENGTHS) : random.oneIn(3) ? random.pick(LENGTHS) : 1 + random.below(64),
  flags: 0,
});

/** Elements, readable before writable, linked by NEXT as they are told to follow. */
function linked(random: Random, places: readonly number[]): CaseDescriptor[] {
  const readable = random.below(places.length + 1);
  return places.map((_, i) => {
    const isLast = i === places.length - 1;
    const flags = (i < readable ? 0 : VRING_DESC_F_WRITE) | (isLast ? 0 : VRING_DESC_F_NEXT);
    return { ...element(random), flags, next: isLast ? 0 : places[i + 1]! };
  });
}

/** The same with one field changed. */
function changed(random: Random, one: CaseDescriptor, tableLength: number): CaseDescriptor {
  const ways: readonly (() => Partial<CaseDescriptor>)[] = [
    () => ({ flags: one.flags ^ random.pick([1, 2, 4, 4, 5, 8]) }),
    () => ({ flags: random.below(65536) }),
    () => ({ next: random.pick([tableLength, random.below(tableLength), random.below(65536)]), flags: one.flags | 1 }),
    () => ({ length: random.pick(ODD_LENGTHS) }),
    () => ({ address: hexOf(address(random)) }),
    () => ({ address: hexOf(random.pick(EDGES) - BigInt(random.below(40))) }),
  ];
  return { ...one, ...random.pick(ways)() };
}

const shuffled = (random: Random, count: number): number[] => {
  const all = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
};

class HostCaseMaker {
  private readonly random: Random;
  private readonly size: number;
  private readonly indirect: boolean;
  /** Of ten descriptors so many are changed. */
  private readonly hostility: number;
  /** Heads and indices are made up, too: that ends most rings. */
  private readonly breaksRings: boolean;
  /** Descriptors in the order in which requests use them, round and round. */
  private readonly order: readonly number[];
  private nextInOrder = 0;
  private readonly startIndex: number;

  constructor(random: Random, size: number, startIndex: number, indirect: boolean) {
    this.random = random;
    this.startIndex = startIndex;
    this.size = size;
    this.indirect = indirect;
    this.hostility = random.pick([0, 0, 1, 1, 3]);
    this.breaksRings = random.oneIn(3);
    this.order = shuffled(random, size);
  }

  steps(): (GuestAct | HostCall)[] {
    const { random } = this;
    const steps: (GuestAct | HostCall)[] = [];
    if (random.oneIn(2)) for (let i = random.below(4); i > 0; i--) steps.push(...this.offer());
    for (let left = 3 + random.below(20); left > 0; left--) {
      if (random.oneIn(2)) steps.push(...this.offer());
      if (random.oneIn(6)) steps.push(...this.round());
      if (random.oneIn(5)) steps.push(this.act());
      const call = this.call();
      steps.push(call);
      if (/complete|publish|flush/.test(call.call) && random.oneIn(2)) steps.push({ call: 'needsCall' });
    }
    return steps;
  }

  /** A request in a place of its own, or over others. */
  private offer(): GuestAct[] {
    const { random, size } = this;
    const acts: GuestAct[] = [];
    let room = this.room(1 + random.below(Math.min(size, 6)));
    const lies = this.breaksRings && random.oneIn(15);
    const head = lies ? random.pick([size, size + 1, 65535, random.below(size)]) : room[0]!;
    if (this.indirect && random.oneIn(2)) {
      const referring = room.at(-1)!;
      acts.push(...this.table(referring));
      room = room.slice(0, -1);
      const before = linked(random, room).map((one, i) => ({
        ...one,
        flags: (one.flags & ~VRING_DESC_F_WRITE) | VRING_DESC_F_NEXT,
        next: room[i + 1] ?? referring,
      }));
      acts.push(...before.map((one, i) => this.descriptor(room[i]!, one)));
    } else acts.push(...linked(random, room).map((one, i) => this.descriptor(room[i]!, one)));
    acts.push({ act: 'head', head });
    if (!random.oneIn(8)) acts.push({ act: 'show' });
    return acts;
  }

  /** One request all the way, and the question whether to call. */
  private round(): (GuestAct | HostCall)[] {
    const { random } = this;
    const event = { act: 'event', value: anyEvent(random, this.startIndex) } as const;
    return [
      ...(random.oneIn(2) ? [event] : []),
      ...this.offer(),
      { act: 'show' },
      { call: 'next', ...this.during() },
      { call: 'serve', pick: 0, bytes: random.below(100) },
      { call: 'complete', pick: 0, length: random.below(100) },
      { call: 'needsCall', ...this.during() },
    ];
  }

  /** The next descriptors, all of them different. */
  private room(count: number): number[] {
    const from = this.nextInOrder;
    this.nextInOrder = (from + count) % this.size;
    return Array.from({ length: count }, (_, i) => this.order[(from + i) % this.size]!);
  }

  private table(referring: number): GuestAct[] {
    const { random, size } = this;
    const count = random.oneIn(10) ? 1 + random.below(70) : 1 + random.below(Math.min(size, 8));
    const entries = linked(
      random,
      Array.from({ length: count }, (_, i) => i),
    ).map((one) => this.maybe(one, count));
    // Aligned most often; across the border of regions A and B now and then.
    const { guestBase, sizeBytes } = REGIONS[0];
    const aligned = TABLES_AT + 16 * random.below(64);
    const offset = random.oneIn(6) ? aligned + random.below(16) : aligned;
    const crosses = random.oneIn(12);
    const at = crosses ? sizeBytes - 16 * count : offset;
    const start = guestBase + at + (crosses ? random.below(17 * count) : 0);
    const flags = VRING_DESC_F_INDIRECT | (random.oneIn(10) ? VRING_DESC_F_WRITE : 0);
    const length = random.oneIn(25) ? random.pick([0, 8, 16 * size + 16, 16 * count - 1]) : 16 * count;
    const one = { address: hexOf(BigInt(start)), length, flags, next: random.below(size) };
    return [{ act: 'table', offset: at, entries }, this.descriptor(referring, one)];
  }

  private maybe(one: CaseDescriptor, tableLength: number): CaseDescriptor {
    return this.random.below(10) < this.hostility ? changed(this.random, one, tableLength) : one;
  }

  private descriptor(index: number, one: CaseDescriptor): GuestAct {
    return { act: 'descriptor', index, ...this.maybe(one, this.size) };
  }

  /** One word or so, at any time. */
  private act(): GuestAct {
    const { random, size } = this;
    const breaking: readonly (() => GuestAct)[] = [
      () => ({ act: 'head', head: random.oneIn(10) ? random.below(65536) : random.below(size) }),
      () => ({ act: 'index', by: random.oneIn(3) ? random.pick([-1, size, size + 1, 32768]) : random.below(3) }),
      () => ({ act: 'scribble', at: random.below(600), words: [random.bits(), random.bits()].slice(random.below(2)) }),
    ];
    const acts: readonly (() => GuestAct)[] = [
      () => ({ act: 'show' }),
      () => ({ act: 'show' }),
      () => ({ act: 'flags', value: random.pick([0, 1, 0xfffe, 65535]) }),
      ...Array.from({ length: 3 }, () => () => ({ act: 'event', value: anyEvent(random, this.startIndex) }) as const),
      ...(this.breaksRings ? breaking : []),
      ...Array.from({ length: 6 }, () => () => {
        const one = linked(random, [random.below(size), random.below(size)])[random.below(2)]!;
        return { act: 'descriptor', index: random.below(size), ...changed(random, one, size) } as const;
      }),
      () => this.table(0)[0]!,
    ];
    return random.pick(acts)();
  }

  private during(): { during?: During<GuestAct>[] } {
    const { random } = this;
    if (!random.oneIn(4)) return {};
    const count = 1 + random.below(3);
    return {
      during: Array.from({ length: count }, () => ({ at: random.below(random.pick(ACCESSES)), act: this.act() })),
    };
  }

  private call(): HostCall {
    const { random } = this;
    const pick = random.below(64);
    const length = random.oneIn(8) ? random.pick([0xffffffff, 0x80000000]) : random.below(5000);
    const calls: readonly (() => HostCall)[] = [
      ...Array.from({ length: 8 }, () => () => ({ call: 'next' }) as const),
      ...Array.from({ length: 3 }, () => () => ({ call: 'serve', pick, bytes: random.below(300) }) as const),
      ...Array.from({ length: 4 }, () => () => ({ call: 'complete', pick, length }) as const),
      () => ({ call: 'completeDeferred', pick, length }),
      () => ({ call: 'completeDeferred', pick, length }),
      () => ({ call: 'completeMulti', count: 1 + random.below(4), length }),
      () => ({ call: 'fill', pick, length, offset: random.below(4) }),
      () => ({ call: 'fill', pick, length, offset: random.below(4) }),
      () => ({ call: 'flush', count: 1 + random.below(4) }),
      () => ({ call: 'publish' }),
      () => ({ call: 'rewind', count: random.below(3) }),
      () => ({ call: 'getdesc', readable: !random.oneIn(4), writable: !random.oneIn(4) }),
      () => ({ call: 'takeHead' }),
      () => ({ call: 'needsCall' }),
      () => ({ call: 'needsCall' }),
      () => ({ call: 'enableKicks' }),
      () => ({ call: 'disableKicks' }),
      () => ({ call: 'look' }),
      () => ({ call: 'hasAvailable' }),
      () => ({ call: 'state' }),
      () => ({ call: 'isEmpty' }),
      () => ({ call: 'getAvailBytes', inMax: random.below(3000), outMax: random.below(3000) }),
    ];
    return { ...random.pick(calls)(), ...this.during() };
  }
}

/** The same, and now and then the range callback refuses another region from a call on. */
const withWithdrawals = (random: Random, steps: HostCase['steps']): HostCase['steps'] =>
  steps.flatMap((step) => {
    if (!isCall(step) || !random.oneIn(4)) return [step];
    return [{ act: 'withdraw', region: random.pick([null, 0, 0, 1, 2]) } as const, step];
  });

export function makeHostCase(random: Random): HostCase {
  const face = random.pick(FACES);
  const modern = face !== 'lguest';
  const size = random.pick(SIZES);
  const startIndex = random.pick(START_INDICES);
  const indirect = modern && !random.oneIn(3);
  const one: HostCase = {
    half: 'host',
    face,
    size,
    startIndex,
    takenOver: random.oneIn(4),
    indirect,
    eventIdx: modern && random.oneIn(2),
    apart: random.oneIn(3),
    range: random.pick(['none', 'whole', 'cut', 'slow']),
    // Tables that come though they were not negotiated are wrong.
    steps: new HostCaseMaker(random, size, startIndex, indirect || random.oneIn(6)).steps(),
  };
  return random.oneIn(3) ? { ...one, steps: withWithdrawals(random, one.steps) } : one;
}
