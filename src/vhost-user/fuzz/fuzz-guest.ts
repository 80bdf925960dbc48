/**
 * What a fuzzed guest writes into its memory, by style and seed: honest requests, chains that are nearly requests,
 * indices and noise. It writes through the file, so it has nothing mapped.
 */
import { readSync, writeSync } from 'node:fs';
import { Random } from '../../fuzz/random.ts';
import { VRING_DESC_F_INDIRECT, VRING_DESC_F_NEXT, VRING_DESC_F_WRITE } from '../../ring/constants.ts';
import { DATA_AT, MEMORY, MORE_MEMORY, RING_PARTS_AT, RING_STRIDE, type RING_STYLES } from './fuzz-actions.ts';

export type RingStyle = (typeof RING_STYLES)[number];

interface Descriptor {
  readonly address: number;
  readonly length: number;
  readonly flags: number;
  readonly next: number;
}

/** Bytes of data that each queue's requests have. */
const DATA_STRIDE = 0x10000;
const SECTORS = 16;
const BLOCK_TYPES = [0, 1, 0, 1, 4, 8, 11, 13, 99];

export class FuzzGuest {
  /** Descriptors in each ring, as the frontend told last. */
  readonly sizes: number[];
  /** The next available entry of each. */
  readonly availIdx: number[];
  private readonly memory: number;
  /** Other files that the backend may have mapped. */
  private readonly areas: readonly number[];

  constructor(queueCount: number, memory: number, areas: readonly number[]) {
    this.memory = memory;
    this.areas = areas;
    this.sizes = Array.from({ length: queueCount }, () => 16);
    this.availIdx = Array.from({ length: queueCount }, () => 0);
  }

  write(queue: number, style: RingStyle, seed: number): void {
    const random = new Random(seed);
    const styles: Record<RingStyle, () => void> = {
      legal: () => this.offerLegal(random, queue),
      chains: () => this.offerChains(random, queue, 0),
      indirect: () => this.offerChains(random, queue, VRING_DESC_F_INDIRECT),
      index: () => this.jump(random, queue),
      noise: () => this.fill(random, this.memory, queue * RING_STRIDE, RING_STRIDE),
      used: () => this.fill(random, this.memory, queue * RING_STRIDE + RING_PARTS_AT.used, 4 + 8 * random.below(20)),
      areas: () => this.fill(random, random.pick(this.areas), 16 * random.below(64), 16 + random.below(600)),
      zeros: () => this.put(this.memory, queue * RING_STRIDE, new Uint8Array(RING_STRIDE)),
    };
    styles[style]();
  }

  /** A ring that starts at `availIdx`, nothing outstanding. */
  restart(queue: number, availIdx: number): void {
    this.availIdx[queue] = availIdx;
    this.publish(queue);
    this.put16(this.usedAt(queue), availIdx);
  }

  private usedIdx(queue: number): number {
    const word = new Uint8Array(2);
    readSync(this.memory, word, 0, 2, this.usedAt(queue));
    return word[0]! + 256 * word[1]!;
  }

  /** Where the used index is. */
  private usedAt(queue: number): number {
    return queue * RING_STRIDE + RING_PARTS_AT.used + 2;
  }

  /** Requests that any of the devices serves, or refuses by its own rules. */
  private offerLegal(random: Random, queue: number): void {
    const size = this.sizes[queue]!;
    const room = size - ((this.availIdx[queue]! - this.usedIdx(queue)) & 0xffff);
    for (let left = Math.min(room, 1 + random.below(4)); left > 0; left--) {
      const data = DATA_AT + queue * DATA_STRIDE + 0x1000 * random.below(8);
      const address = MEMORY.guestBase + data;
      const header = new Uint32Array([random.pick(BLOCK_TYPES), 0, random.below(SECTORS + 2), 0]);
      this.put(this.memory, data, new Uint8Array(header.buffer));
      const answer = { address: address + 1024, length: random.pick([1, 512, 2048]), flags: VRING_DESC_F_WRITE };
      const chains = [
        [{ address, length: 16 + random.pick([0, 60, 512]), flags: 0 }],
        [answer],
        [{ address, length: 16, flags: 0 }, answer],
        [{ address, length: 16, flags: 0 }, answer, { address: address + 4000, length: 1, flags: VRING_DESC_F_WRITE }],
      ].filter(({ length }) => length <= size);
      this.chain(queue, random.below(size), random.pick(chains));
    }
    this.publish(queue);
  }

  private chain(queue: number, first: number, parts: readonly Omit<Descriptor, 'next'>[]): void {
    const size = this.sizes[queue]!;
    for (const [i, part] of parts.entries()) {
      const isLast = i === parts.length - 1;
      const next = isLast ? 0 : (first + i + 1) % size;
      const flags = part.flags | (isLast ? 0 : VRING_DESC_F_NEXT);
      this.putDescriptor(this.descriptorAt(queue, (first + i) % size), { ...part, flags, next });
    }
    this.putHead(queue, first);
  }

  /** Descriptors that are wrong somewhere, in a table of their own or in the ring's; most lie in memory. */
  private offerChains(random: Random, queue: number, headFlags: number): void {
    const size = Math.min(this.sizes[queue]!, 256);
    const count = 1 + random.below(headFlags === 0 ? size : 40);
    const table = DATA_AT + queue * DATA_STRIDE + 16 * random.below(8);
    for (let i = 0; i < count; i++) {
      const at = headFlags === 0 ? this.descriptorAt(queue, i) : table + 16 * i;
      this.putDescriptor(at, this.anyDescriptor(random, count));
    }
    for (let left = 1 + random.below(8); left > 0; left--) {
      const head = random.oneIn(20) ? random.below(65536) : random.below(size);
      if (headFlags !== 0 && head < size) {
        const length = random.oneIn(4) ? random.below(2000) : 16 * count;
        const flags = headFlags | (random.oneIn(6) ? random.below(8) : 0);
        const next = random.below(size);
        this.putDescriptor(this.descriptorAt(queue, head), {
          address: MEMORY.guestBase + table,
          length,
          flags,
          next,
        });
      }
      this.putHead(queue, head);
    }
    this.publish(queue);
  }

  private anyDescriptor(random: Random, tableLength: number): Descriptor {
    const { guestBase, sizeBytes } = random.oneIn(4) ? MORE_MEMORY : MEMORY;
    const address = random.oneIn(10)
      ? random.pick([0, guestBase - 8, guestBase + sizeBytes - 8, guestBase + sizeBytes, 2 ** 53 - 8])
      : guestBase + random.below(sizeBytes - 8192);
    const length = random.oneIn(6) ? random.pick([0, 2 ** 20, 2 ** 31, 2 ** 32 - 1]) : random.below(8192);
    return {
      address,
      length,
      flags: random.oneIn(10) ? random.below(65536) : random.pick([0, 1, 1, 2, 3]),
      next: random.oneIn(10) ? random.below(65536) : random.below(tableLength),
    };
  }

  private jump(random: Random, queue: number): void {
    const by = random.pick([-1, 1, 2, 16, 255, 256, 257, 32768, random.below(65536)]);
    this.availIdx[queue] = (this.availIdx[queue]! + by) & 0xffff;
    this.put16(this.availAt(queue, -2), random.oneIn(4) ? random.below(65536) : 0);
    this.publish(queue);
  }

  private fill(random: Random, file: number, at: number, sizeBytes: number): void {
    const words = Uint32Array.from({ length: Math.ceil(sizeBytes / 4) }, () => random.bits());
    this.put(file, at, new Uint8Array(words.buffer));
  }

  private descriptorAt(queue: number, index: number): number {
    return queue * RING_STRIDE + RING_PARTS_AT.desc + 16 * index;
  }

  /** Of an entry; -1 is the index, -2 the flags. */
  private availAt(queue: number, entry: number): number {
    return queue * RING_STRIDE + RING_PARTS_AT.avail + 4 + 2 * entry;
  }

  private putHead(queue: number, head: number): void {
    const idx = this.availIdx[queue]!;
    this.put16(this.availAt(queue, idx % this.sizes[queue]!), head);
    this.availIdx[queue] = (idx + 1) & 0xffff;
  }

  private publish(queue: number): void {
    this.put16(this.availAt(queue, -1), this.availIdx[queue]!);
  }

  private putDescriptor(at: number, { address, length, flags, next }: Descriptor): void {
    const bytes = new DataView(new ArrayBuffer(16));
    bytes.setBigUint64(0, BigInt(address), true);
    bytes.setUint32(8, length, true);
    bytes.setUint16(12, flags, true);
    bytes.setUint16(14, next, true);
    this.put(this.memory, at, new Uint8Array(bytes.buffer));
  }

  private put16(at: number, value: number): void {
    this.put(this.memory, at, new Uint8Array(Uint16Array.of(value).buffer));
  }

  private put(file: number, at: number, bytes: Uint8Array): void {
    writeSync(file, bytes, 0, bytes.length, at);
  }
}
