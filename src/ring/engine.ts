/** What the Wasm engines of both sides share around their modules: errors by number, a ring's addresses. */
import type { SharedMemory } from '../memory/region.ts';
import { WORD_ERROR, WORD_INDEX, WORD_VALUE } from './engine-words.ts';
import * as numbers from './error-numbers.ts';
import { RingError, type RingErrorCode } from './errors.ts';
import type { RingPlace, SplitRing } from './split-layout.ts';

const ERROR_CODES: Record<number, RingErrorCode> = {
  [numbers.AVAIL_HEAD_OUT_OF_RANGE]: 'avail-head-out-of-range',
  [numbers.AVAIL_INDEX_JUMP]: 'avail-index-jump',
  [numbers.AVAIL_HEAD_IN_FLIGHT]: 'avail-head-in-flight',
  [numbers.TOO_MANY_IN_FLIGHT]: 'too-many-in-flight',
  [numbers.USED_ID_OUT_OF_RANGE]: 'used-id-out-of-range',
  [numbers.USED_ID_NOT_OUTSTANDING]: 'used-id-not-outstanding',
  [numbers.USED_INDEX_JUMP]: 'used-index-jump',
  [numbers.NEXT_OUT_OF_RANGE]: 'next-out-of-range',
  [numbers.DESCRIPTOR_LOOP]: 'descriptor-loop',
  [numbers.CHAIN_TOO_LONG]: 'chain-too-long',
  [numbers.INDIRECT_NESTED]: 'indirect-nested',
  [numbers.INDIRECT_NOT_NEGOTIATED]: 'indirect-not-negotiated',
  [numbers.INDIRECT_TABLE_SIZE]: 'indirect-table-size',
  [numbers.ADDRESS_OUTSIDE_MEMORY]: 'address-outside-memory',
  [numbers.REQUEST_TOO_LONG]: 'request-too-long',
  [numbers.READABLE_AFTER_WRITABLE]: 'readable-after-writable',
  [numbers.UNEXPECTED_READABLE]: 'unexpected-readable',
  [numbers.UNEXPECTED_WRITABLE]: 'unexpected-writable',
};

/** The words that an engine leaves its results in (`engine-words.ts`). */
export class EngineWords {
  /** By word number. */
  readonly u32: Uint32Array;
  private readonly f64: Float64Array;

  /** @param at where they lie in the memory, bytes; a multiple of 8. */
  constructor(memory: SharedMemory, at: number, sizeBytes: number) {
    this.u32 = new Uint32Array(memory.buffer, at, sizeBytes / 4);
    this.f64 = new Float64Array(memory.buffer, at, sizeBytes / 8);
  }

  /** What went wrong in the call that just failed. */
  error(queue: string): RingError {
    const code = ERROR_CODES[this.u32[WORD_ERROR]!]!;
    return new RingError(code, queue, this.u32[WORD_INDEX]!, this.f64[WORD_VALUE / 2]!);
  }
}

type RingAddresses = [
  desc: number,
  availRing: number,
  usedRing: number,
  availFlags: number,
  availIdx: number,
  usedEvent: number,
  usedFlags: number,
  usedIdx: number,
  availEvent: number,
];

/** The byte addresses of a ring's tables and shared fields in its memory, as `setRing` of both modules takes them. */
export function ringAddresses(ring: SplitRing): RingAddresses {
  const { avail, used } = ring.places;
  const field = ({ region }: RingPlace, offset: number) => region.byteOffset + offset;
  return [
    ring.desc.byteOffset,
    ring.availRing.byteOffset,
    ring.usedRing.byteOffset,
    field(avail, ring.availFlags),
    field(avail, ring.availIdx),
    field(avail, ring.usedEvent),
    field(used, ring.usedFlags),
    field(used, ring.usedIdx),
    field(used, ring.availEvent),
  ];
}

/** The regions that a ring's parts lie in. */
export const regionsOf = ({ places: { desc, avail, used } }: SplitRing) => [desc.region, avail.region, used.region];
