/** Cases for guest halves: a host that finishes what it took, most of the time, and lies in what it writes. */
import type { Random } from '../fuzz/random.ts';
import { anyEvent, SIZES, START_INDICES } from './choices.ts';
import type { CaseElement, DeviceAct, During, GuestCall, GuestCase } from './ring-case.ts';
import { DATA_AT, REGIONS } from './world.ts';

const ACCESSES = 8;

class GuestCaseMaker {
  private readonly random: Random;
  private readonly size: number;
  /** Lies are rare, or not. */
  private readonly honesty: number;
  private readonly startIndex: number;

  constructor(random: Random, size: number, startIndex: number) {
    this.random = random;
    this.startIndex = startIndex;
    this.size = size;
    this.honesty = random.pick([3, 10, 40]);
  }

  steps(): (DeviceAct | GuestCall)[] {
    const { random } = this;
    const steps: (DeviceAct | GuestCall)[] = [];
    for (let left = 5 + random.below(40); left > 0; left--) {
      if (random.oneIn(2)) steps.push(this.act());
      steps.push(this.call());
    }
    if (random.oneIn(4)) for (let i = random.below(this.size + 2); i > 0; i--) steps.push({ call: 'detachUnused' });
    return steps;
  }

  private act(): DeviceAct {
    const { random, size, honesty } = this;
    const length = random.oneIn(4) ? random.pick([0, 0xffffffff, 0x80000000, 65536]) : random.below(400);
    if (!random.oneIn(honesty)) return { act: 'finish', pick: random.below(64), length };
    const acts: readonly (() => DeviceAct)[] = [
      () => ({ act: 'finish', pick: random.below(64), length }),
      () => ({
        act: 'used',
        id: random.oneIn(3) ? random.pick([size, 0xffffffff, 65536]) : random.below(size),
        length,
      }),
      () => ({ act: 'used', id: random.below(size), length }),
      () => ({ act: 'show' }),
      () => ({
        act: 'index',
        by: random.oneIn(2) ? random.pick([-1, size + 1, 32768, 65535]) : random.below(size + 1),
      }),
      () => ({ act: 'flags', value: random.pick([0, 1, 0xfffe, 65535]) }),
      () => ({ act: 'event', value: anyEvent(random, this.startIndex) }),
      () => ({ act: 'event', value: anyEvent(random, this.startIndex) }),
      () => ({ act: 'scribble', at: random.below(1600), words: Array.from({ length: 8 }, () => random.bits()) }),
      () => ({ act: 'scribble', at: 4 * random.below(size), words: [0, 0, 0xffffffff, random.bits()] }),
    ];
    return random.pick(acts)();
  }

  private elements(count: number): CaseElement[] {
    const { random } = this;
    return Array.from({ length: count }, () => {
      const region = random.oneIn(3) ? random.below(REGIONS.length) : 0;
      const from = region === 0 ? DATA_AT - 512 : 0;
      const offset = from + random.below(REGIONS[region]!.sizeBytes - from);
      const room = REGIONS[region]!.sizeBytes - offset;
      return { region, offset, length: random.oneIn(20) ? room : Math.min(room, random.below(200)) };
    });
  }

  private call(): GuestCall {
    const { random, size } = this;
    const count = 1 + random.below(Math.min(size, random.oneIn(6) ? 64 : 4));
    const out = random.below(count + 1);
    const add = () => ({ out: this.elements(out), in: this.elements(count - out) });
    const calls: readonly (() => GuestCall)[] = [
      ...Array.from({ length: 6 }, () => () => ({ call: 'add', ...add() }) as const),
      () => ({ call: 'addDeferred', ...add() }),
      () => ({ call: 'addDeferred', ...add() }),
      ...Array.from({ length: 7 }, () => () => ({ call: 'getBuf' }) as const),
      () => ({ call: 'publish' }),
      () => ({ call: 'kick' }),
      () => ({ call: 'kick' }),
      () => ({ call: 'kickPrepare' }),
      () => ({ call: 'notify' }),
      () => ({ call: 'disableCalls' }),
      () => ({ call: 'enableCalls' }),
      () => ({ call: 'enableCallsPrepare' }),
      () => ({ call: 'poll' }),
      () => ({ call: 'enableCallsDelayed' }),
      () => ({ call: 'look' }),
      () => ({ call: 'callDue' }),
    ];
    return { ...random.pick(calls)(), ...this.during() };
  }

  private during(): { during?: During<DeviceAct>[] } {
    const { random } = this;
    if (!random.oneIn(4)) return {};
    const count = 1 + random.below(2);
    return { during: Array.from({ length: count }, () => ({ at: random.below(ACCESSES), act: this.act() })) };
  }
}

export function makeGuestCase(random: Random): GuestCase {
  const size = random.pick(SIZES);
  const startIndex = random.pick(START_INDICES);
  return {
    half: 'guest',
    size,
    startIndex,
    indirect: random.oneIn(2),
    eventIdx: random.oneIn(2),
    apart: random.oneIn(3),
    tables: 1 + random.below(8),
    tableLength: random.pick([2, 4, 8, 16]),
    steps: new GuestCaseMaker(random, size, startIndex).steps(),
  };
}
