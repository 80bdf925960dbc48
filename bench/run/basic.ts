/**
 * The basic test: five parts on one thread, guest and host by turns over one megabyte. Nothing may be notified: every
 * doorbell here is a failed check.
 */
import type { Doorbell } from '../../src/doorbell/doorbell.ts';
import { IndirectPool } from '../../src/guest/indirect-pool.ts';
import { EMPTY } from '../../src/guest/queue.ts';
import { ScatterList } from '../../src/guest/scatter-list.ts';
import { SplitVirtqueue } from '../../src/guest/split-virtqueue.ts';
import type { ElementList } from '../../src/host/element-list.ts';
import { Request } from '../../src/host/queue.ts';
import { Vringh } from '../../src/host/vringh.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { slowRange } from '../../src/memory/range.ts';
import { allocateShared, MemoryRegion } from '../../src/memory/region.ts';
import { ORDERINGS, type OrderingName } from '../../src/ordering/index.ts';
import { bindRing } from '../../src/ordering/ring-fields.ts';
import { VRING_DESC_F_INDIRECT, VRING_DESC_F_NEXT, VRING_DESC_SIZE } from '../../src/ring/constants.ts';
import type { RingFeatures } from '../../src/ring/features.ts';
import { alignUp, legacyLayout, SplitRing } from '../../src/ring/split-layout.ts';
import { CheckFailed, expectEqual } from '../check-failed.ts';
import { counted } from '../command-line/columns.ts';
import { GUEST_BASE } from '../pair/setup.ts';

export interface BasicOptions {
  features: RingFeatures;
  slowRange: boolean;
  ordering: OrderingName;
}

const MEMORY_SIZE = 1 << 20;
const RING_SIZE = 256;
/** The huge request's elements all lie here: the last quarter of memory. */
const HUGE_BYTES = MEMORY_SIZE / 4;
const HUGE_OFFSET = MEMORY_SIZE - HUGE_BYTES;
/** The weird chain's hand-made tables lie in the middle, its data in the last quarter. */
const TABLES_OFFSET = MEMORY_SIZE / 2;
const TOKEN = 7;

const NO_BELL: Doorbell = {
  rings: 0,
  wakeSyscalls: 0,
  ring() {
    throw new CheckFailed('doorbell rings in the basic test', 0, 1);
  },
  resetCounters() {},
};

/** A guest and a host over fresh, zeroed memory. */
class Bench {
  readonly region = new MemoryRegion({ guestBase: GUEST_BASE, buffer: allocateShared(MEMORY_SIZE) });
  readonly ring: SplitRing;
  readonly guest: SplitVirtqueue;
  readonly host: Vringh;
  readonly request: Request;
  readonly slow: boolean;

  /** @param guestIndirect what the guest does; the host goes by the features. */
  constructor(options: BasicOptions, guestIndirect: boolean) {
    const { features } = options;
    const { region } = this;
    const layout = legacyLayout(RING_SIZE);
    const memory = new GuestMemory([region]);
    this.slow = options.slowRange;
    this.ring = SplitRing.within(region, 0, layout);
    const shared = bindRing(ORDERINGS[options.ordering], this.ring);
    const tablesOffset = alignUp(layout.sizeBytes, VRING_DESC_SIZE);
    this.guest = new SplitVirtqueue({
      ring: this.ring,
      shared,
      features: { ...features, indirect: guestIndirect },
      doorbell: NO_BELL,
      indirectPool: new IndirectPool({ region, offset: tablesOffset, tableCount: 1, tableLength: RING_SIZE }),
    });
    const range = this.slow ? { getRange: slowRange(memory) } : {};
    this.host = new Vringh({ ring: this.ring, shared, features, memory, ...range });
    this.request = new Request(memory);
  }

  /** How many elements the host must see for `bytes` bytes that the guest cut into `elements`. */
  cut(elements: number, bytes: number): number {
    return this.slow ? bytes : elements;
  }

  take(): void {
    expectEqual('requests available', this.host.next(this.request) ? 1 : 0, 1);
  }

  getBack(length: number): void {
    expectEqual('token from getBuf', this.guest.getBuf(), TOKEN);
    expectEqual('used length', this.guest.claimedLength, length);
  }
}

function expectElement(list: ElementList, at: number, offset: number, length: number): void {
  expectEqual(`element ${at}: offset`, list.offsets[at]!, offset);
  expectEqual(`element ${at}: length`, list.lengths[at]!, length);
}

function emptyRing({ host, request }: Bench): string {
  expectEqual('requests on an empty ring', host.next(request) ? 1 : 0, 0);
  return 'empty ring: the host finds no request';
}

function outAndIn(bench: Bench): string {
  const { region, guest, host, request } = bench;
  const { readable, writable } = request;
  const end = MEMORY_SIZE;
  region.u8[end - 1] = 'a'.charCodeAt(0);
  const elements = new ScatterList(2).addOut(region, end - 1, 1).addIn(region, end - 3, 2);
  expectEqual('room for a request', guest.add(elements, TOKEN) ? 1 : 0, 1);
  bench.take();
  expectEqual('readable elements', readable.count, 1);
  expectElement(readable, 0, end - 1, 1);
  expectEqual('writable elements', writable.count, bench.cut(1, 2));
  if (bench.slow) for (const i of [0, 1]) expectElement(writable, i, end - 3 + i, 1);
  else expectElement(writable, 0, end - 3, 2);
  const buffer = new Uint8Array(5);
  expectEqual('bytes pulled of 5', readable.pull(buffer, 0, 5), 1);
  expectEqual('byte pulled', buffer[0]!, 'a'.charCodeAt(0));
  expectEqual('bytes pulled again', readable.pull(buffer, 0, 5), 0);
  expectEqual('bytes pushed of 5', writable.push(new TextEncoder().encode('bcdef'), 0, 5), 2);
  expectEqual('first byte written', region.u8[end - 3]!, 'b'.charCodeAt(0));
  expectEqual('second byte written', region.u8[end - 2]!, 'c'.charCodeAt(0));
  expectEqual('bytes pushed again', writable.push(buffer, 0, 5), 0);
  host.complete(request, 2);
  bench.getBack(2);
  return `out and in: 1 readable byte pulled, 2 writable bytes in ${counted(writable.count, 'element')} pushed, used length 2`;
}

function hugeRequest(bench: Bench): string {
  const { region, guest, host, request } = bench;
  const { readable, writable } = request;
  for (let i = 0; i < HUGE_BYTES; i++) region.u8[HUGE_OFFSET + i] = i;
  const elements = new ScatterList(RING_SIZE);
  for (let i = 0; i < RING_SIZE; i++) elements.addOut(region, HUGE_OFFSET, HUGE_BYTES);
  expectEqual('room for the huge request', guest.add(elements, TOKEN) ? 1 : 0, 1);
  bench.take();
  const total = RING_SIZE * HUGE_BYTES;
  expectEqual('readable elements', readable.count, bench.cut(RING_SIZE, total));
  expectEqual('writable elements', writable.count, 0);
  const chunk = new Uint8Array(3);
  for (let at = 0; at < total; at += 3) {
    const pulled = readable.pull(chunk, 0, 3);
    if (pulled !== Math.min(3, total - at))
      throw new CheckFailed(`bytes pulled at ${at}`, Math.min(3, total - at), pulled);
    for (let i = 0; i < pulled; i++)
      if (chunk[i] !== ((at + i) & 0xff)) throw new CheckFailed(`byte ${at + i}`, (at + i) & 0xff, chunk[i]!);
  }
  expectEqual('elements pulled to the end', readable.position, readable.count);
  host.completeMulti(Uint32Array.of(request.head, 0), 1);
  bench.getBack(0);
  return `huge request: ${readable.count} elements, ${total} bytes checked in chunks of 3`;
}

function manyAtOnce(bench: Bench): string {
  const { region, guest, host, request } = bench;
  const used = new Uint32Array(2 * RING_SIZE);
  const usedBefore = host.state().usedIdx;
  const elements = new ScatterList(1).addOut(region, MEMORY_SIZE - 1, 1);
  for (let i = 0; i < RING_SIZE; i++) expectEqual(`room for request ${i}`, guest.add(elements, i) ? 1 : 0, 1);
  for (let i = 0; i < RING_SIZE; i++) {
    bench.take();
    used[2 * i] = request.head;
  }
  if (usedBefore % RING_SIZE === 0) throw new CheckFailed('first used entry', 'inside the ring, to wrap', usedBefore);
  host.completeMulti(used, RING_SIZE);
  const tokens = new Set<number>();
  for (let i = 0; i < RING_SIZE; i++) {
    tokens.add(guest.getBuf());
    expectEqual('used length', guest.claimedLength, 0);
  }
  expectEqual('different tokens taken back', tokens.size, RING_SIZE);
  expectEqual('token after the last', guest.getBuf(), EMPTY);
  return `many at once: ${RING_SIZE} requests completed in one call that wraps at used entry ${usedBefore % RING_SIZE}`;
}

/** Four direct descriptors, three of them turned into tables by hand: 2, 1 and 3 entries; the rest is data. */
function weirdIndirect(options: BasicOptions): string {
  const bench = new Bench(options, false);
  const { region, guest, ring, request } = bench;
  const { readable } = request;
  const data = HUGE_OFFSET;
  for (let i = 0; i < 28; i++) region.u8[data + i] = i;
  const table = (entry: number) => TABLES_OFFSET + entry * VRING_DESC_SIZE;
  const elements = new ScatterList(4)
    .addOut(region, table(0), 2 * VRING_DESC_SIZE)
    .addOut(region, table(2), VRING_DESC_SIZE)
    .addOut(region, data + 6, 4)
    .addOut(region, table(3), 3 * VRING_DESC_SIZE);
  expectEqual('room for four descriptors', guest.add(elements, TOKEN) ? 1 : 0, 1);
  for (const index of [0, 1, 3]) ring.desc[4 * index + 3]! |= VRING_DESC_F_INDIRECT;
  // Table entries: data offset, length, next entry of the same table or none.
  const entries = [
    [0, 1, 1],
    [1, 2, 0],
    [3, 3, 0],
    [10, 5, 1],
    [15, 6, 2],
    [21, 7, 0],
  ] as const;
  for (const [entry, [offset, length, next]] of entries.entries()) {
    const word = table(entry) / 4;
    const address = region.addressOf(data + offset);
    region.u32[word] = address;
    region.u32[word + 1] = address / 2 ** 32;
    region.u32[word + 2] = length;
    region.u32[word + 3] = next === 0 ? 0 : VRING_DESC_F_NEXT | (next << 16);
  }
  bench.take();
  expectEqual('head', request.head, 0);
  expectEqual('readable elements', readable.count, bench.cut(7, 28));
  const buffer = new Uint8Array(29);
  expectEqual('bytes pulled of 29', readable.pull(buffer, 0, 29), 28);
  for (let i = 0; i < 28; i++) expectEqual(`byte ${i}`, buffer[i]!, i);
  return `weird but legal indirect: 3 tables in a chain of 4, ${readable.count} elements, 28 bytes in order`;
}

/**
 * Runs the five parts; tells each when it has passed.
 * @throws CheckFailed naming what was expected and what was there.
 */
export function runBasicTest(options: BasicOptions, passed: (line: string) => void): void {
  const bench = new Bench(options, options.features.indirect);
  for (const part of [emptyRing, outAndIn, hugeRequest, manyAtOnce]) passed(part(bench));
  passed(options.features.indirect ? weirdIndirect(options) : 'weird but legal indirect: not without --indirect');
}
