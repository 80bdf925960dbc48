/** Ends of a ring with one fault each: the ring fuzzer must find every one. */
import { SplitVirtqueue, type SplitVirtqueueOptions } from '../guest/split-virtqueue.ts';
import type { Request } from '../host/queue.ts';
import type { SplitHostQueueOptions } from '../host/split-host-queue.ts';
import { Vringh } from '../host/vringh.ts';
import { MemoryRange, type RangeCallback } from '../memory/range.ts';
import { RingError } from '../ring/errors.ts';
import type { SplitRing } from '../ring/split-layout.ts';
import { ALL_HALVES, type Halves, virtqueueOptions } from './halves.ts';

const HALVES = ALL_HALVES.typescript;

/** Private fields of an end, by name: a fault is planted where no caller can reach. */
const inside = <T>(object: object, field: string): T => Reflect.get(object, field) as T;

const withVringh = (make: (options: SplitHostQueueOptions) => Vringh): Halves => ({
  ...HALVES,
  host: { ...HALVES.host, vringh: make },
});
const withGuest = (make: (options: SplitVirtqueueOptions) => SplitVirtqueue): Halves => ({
  ...HALVES,
  guest: (options) => make(virtqueueOptions(options)),
});

/** A ring, one part of which is read twice, each word; the second one counts. */
function readTwice(ring: SplitRing, part: 'desc' | 'usedRing'): SplitRing {
  const twice = new Proxy<Uint32Array>(ring[part], {
    get: (table, key) => {
      Reflect.get(table, key, table);
      return Reflect.get(table, key, table);
    },
  });
  return Object.assign(Object.create(ring) as SplitRing, { [part]: twice });
}

class Looping extends Vringh {
  override next(request: Request): boolean {
    try {
      return super.next(request);
    } catch (error) {
      if (!(error instanceof RingError) || error.code !== 'descriptor-loop') throw error;
      // As long as the guest leaves it so.
      for (;;) {
        try {
          request.readable.reset();
          request.writable.reset();
          this.reader.read(request.head, request.readable, request.writable);
          return true;
        } catch (again) {
          if (!(again instanceof RingError) || again.code !== 'descriptor-loop') throw again;
        }
      }
    }
  }
}

class Forgetful extends Vringh {
  override takeHead(): number {
    try {
      return super.takeHead();
    } catch (error) {
      if (!(error instanceof RingError) || error.code !== 'avail-head-in-flight') throw error;
      this.broken = null;
      this.hold(error.value);
      return error.value;
    }
  }
}

class Untidy extends Vringh {
  override complete(request: Request, writtenBytes: number): void {
    super.complete(request, writtenBytes);
    // Behind the used ring, without asking anybody.
    const { region, offset } = this.ring.places.used;
    new Uint8Array(region.buffer, region.byteOffset)[offset + 6 + 8 * this.size] = 0xee;
  }
}

/** What a ring without events ends before. */
class Eventful extends Vringh {
  constructor(options: SplitHostQueueOptions) {
    super(options);
    if (options.state === undefined) return;
    const { region, offset } = this.ring.places.used;
    const all = new Uint8Array(region.buffer);
    all[region.byteOffset + offset + 4 + 8 * this.size] = options.state.availIdx & 0xff;
  }
}

class Peeping extends Vringh {
  override needsCall(): boolean {
    if (this.completed !== 0) this.availFields.load16(this.ring.usedEvent);
    return super.needsCall();
  }
}

class EventfulGuest extends SplitVirtqueue {
  constructor(options: SplitVirtqueueOptions) {
    super(options);
    const { ring, startIndex = 0 } = options;
    const { region, offset } = ring.places.avail;
    new Uint8Array(region.buffer)[region.byteOffset + offset + 4 + 2 * ring.size] = startIndex & 0xff;
  }
}

class Early extends Vringh {
  /** The index is shown before its entry. */
  override completeHead(head: number, writtenBytes: number): void {
    const { usedRing } = this;
    const late = new Map<string | symbol, unknown>();
    const held = new Proxy(usedRing, { set: (_, key, value) => late.set(key, value).size > 0 });
    Reflect.set(this, 'usedRing', held);
    super.completeHead(head, writtenBytes);
    Reflect.set(this, 'usedRing', usedRing);
    for (const [key, value] of late) Reflect.set(usedRing, key, value);
  }
}

class Hoarding extends Vringh {
  override next(request: Request): boolean {
    const readable = request.readable;
    const { offsets } = readable;
    const found = super.next(request);
    if (found) readable.offsets = new Uint32Array([...readable.offsets, ...offsets]);
    return found;
  }
}

class Silent extends Vringh {
  /** A comparison that knows no wrap. */
  override needsCall(): boolean {
    if (!this.eventIdx || this.completed === 0 || this.completed > 0xffff || this.broken !== null)
      return super.needsCall();
    const wanted = this.availFields.load16(this.ring.usedEvent);
    const from = this.publishedIdx - this.completed;
    this.completed = 0;
    return wanted >= from && wanted < this.publishedIdx;
  }
}

class Native extends Vringh {
  override next(request: Request): boolean {
    try {
      return super.next(request);
    } catch (error) {
      if (error instanceof RingError && error.code === 'address-outside-memory') new Uint8Array(-1);
      throw error;
    }
  }
}

class TakingLengths extends SplitVirtqueue {
  override addDeferred(...added: Parameters<SplitVirtqueue['addDeferred']>): boolean {
    const put = super.addDeferred(...added);
    inside<Uint32Array>(this, 'writableBytes').fill(0xffff_ffff);
    return put;
  }
}

class HidingClaims extends SplitVirtqueue {
  override getBuf(): number {
    const token = super.getBuf();
    this.claimedLength = this.usedLength;
    return token;
  }
}

class Trusting extends SplitVirtqueue {
  /** The host says which descriptor comes next. */
  override getBuf(): number {
    const table = inside<Uint32Array>(this, 'desc');
    const nextOf = inside<Uint16Array>(this, 'nextOf');
    const token = super.getBuf();
    if (token !== -1) nextOf[0] = table[3]! >>> 16;
    return token;
  }
}

/** A callback whose last answer is good for ever. */
function keeping(getRange: RangeCallback): RangeCallback {
  const kept = new MemoryRange();
  return (range) => {
    if (!(range.wanted >= kept.start && range.wanted < kept.end)) {
      kept.wanted = range.wanted;
      if (!getRange(kept)) return false;
    }
    const { start, end, region, offset } = kept;
    Object.assign(range, { start, end, region, offset });
    return true;
  };
}

/** What is wrong, with which ends, and what the fuzzer says of it. */
/** Judged by memory and answers alone, as an engine is that has memory itself. */
const unwatched = (halves: Halves): Halves => ({ ...halves, watched: false });

export const PLANTED: readonly [what: string, halves: Halves, why: RegExp][] = [
  [
    'a reader that fetches a descriptor twice',
    withVringh((options) => new Vringh({ ...options, ring: readTwice(options.ring, 'desc') })),
    /^step \d+, \w+: (read|decided|threw|returned)/,
  ],
  ['a chain without a bound', withVringh((options) => new Looping(options)), /accesses in one call|once too often/],
  ['heads in flight that are not checked', withVringh((options) => new Forgetful(options)), /avail-head-in-flight/],
  ['a byte written past the used ring', withVringh((options) => new Untidy(options)), /written unseen/],
  ['the same, unwatched', unwatched(withVringh((options) => new Untidy(options))), /written unseen/],
  [
    'avail_event of a ring taken over without events',
    withVringh((options) => new Eventful(options)),
    /^set-up: .*unseen/,
  ],
  ['the same, unwatched', unwatched(withVringh((options) => new Eventful(options))), /^set-up: .*written unseen/],
  ['used_event set up without events', withGuest((options) => new EventfulGuest(options)), /^set-up: .*unseen/],
  [
    'the same of a guest that is unwatched',
    unwatched(withGuest((options) => new EventfulGuest(options))),
    /^set-up: .*unseen/,
  ],
  [
    'used_event read without events',
    withVringh((options) => new Peeping(options)),
    /needsCall: (read|wrote|.*outside)/,
  ],
  ['an index shown before its entry', withVringh((options) => new Early(options)), /complete: wrote 2 bytes/],
  ['a list that keeps what it had', withVringh((options) => new Hoarding(options)), /a list has room for/],
  [
    'a call that the wrap of the index hides',
    withVringh((options) => new Silent(options)),
    /needsCall: returned (true, not false|false, not true)/,
  ],
  [
    'an end that cannot be set up where indices wrap',
    withVringh((options) => {
      if (options.state?.availIdx === 65535) throw new RangeError('planted');
      return new Vringh(options);
    }),
    /^set-up: RangeError: planted/,
  ],
  ['an exception of the engine', withVringh((options) => new Native(options)), /no RingError: RangeError/],
  [
    'a call that the wrap of the index hides, unwatched',
    unwatched(withVringh((options) => new Silent(options))),
    /needsCall: returned (true, not false|false, not true)/,
  ],
  ['used lengths let through, unwatched', unwatched(withGuest((options) => new TakingLengths(options))), /clampedL/],
  ['used lengths let through', withGuest((options) => new TakingLengths(options)), /clampedLengths is 0, not 1/],
  ['a claimed length that is cut', withGuest((options) => new HidingClaims(options)), /claimedLength is \d+, not \d+/],
  [
    'a used element that is fetched twice',
    withGuest((options) => new SplitVirtqueue({ ...options, ring: readTwice(options.ring, 'usedRing') })),
    /^step \d+, getBuf: read/,
  ],
  [
    'free descriptors out of memory that the host writes',
    withGuest((options) => new Trusting(options)),
    /read once too often/,
  ],
  [
    'an answer of the range callback that is kept from request to request',
    withVringh(({ getRange, ...options }) =>
      getRange === undefined ? new Vringh(options) : new Vringh({ ...options, getRange: keeping(getRange) }),
    ),
    /address-outside-memory/,
  ],
  [
    'a policy of another reader',
    {
      ...HALVES,
      host: { ...HALVES.host, 'vhost-user': (options) => new Vringh(options) },
    },
    /^step \d+/,
  ],
];
