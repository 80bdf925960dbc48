/**
 * Benches of one ordered access. Each walks over many fields, so that the engine cannot keep one value in a register,
 * and adds up what it loads. `empty` is the same loop without an access.
 *
 *     FIELD_COUNT fields of 16 bits, ours  |  as many, the peer's
 */
import type { SharedFields } from '../../../src/ordering/ordering.ts';
import { CheckFailed, expectEqual } from '../../check-failed.ts';
import type { MicroBench, Prepared, Stage } from '../micro-bench.ts';

/** Fields of one side; a power of two. Both sides fit in the first-level cache. */
const FIELD_COUNT = 1024;
const OPERATIONS = 16 * FIELD_COUNT;
/** Byte offset of a field's own from its number: a shift. */
const OFFSET_MASK = 2 * FIELD_COUNT - 2;
/** Byte offset of the peer's first field. */
const PEER_OFFSET = 2 * FIELD_COUNT;

/** Fills one side's fields with values of which no two that are near are alike. Returns their sum. */
function fillFields(fields: Uint16Array, from: number): number {
  let sum = 0;
  for (let i = 0; i < FIELD_COUNT; i++) {
    const value = Math.imul(i + 1, 40_503) & 0xffff;
    fields[from + i] = value;
    sum += value;
  }
  return sum;
}

/** What a walk over all fields adds up to, as the loops add: in 32 bits. */
const walked = (sumOfFields: number) => (sumOfFields * (OPERATIONS / FIELD_COUNT)) | 0;

/** Our fields as a walk that stored its number plus `round` leaves them. */
function checkStored(what: string, fields: Uint16Array, round: number): void {
  for (let i = 0; i < FIELD_COUNT; i++) {
    const expected = (OPERATIONS - FIELD_COUNT + i + round) & 0xffff;
    if (fields[i] !== expected) throw new CheckFailed(`${what}: field ${i}`, expected, fields[i]!);
  }
}

/** A bench whose operations add up to what is known before. */
function summing(what: string, run: () => number, expected: number): Prepared {
  let sum = 0;
  return {
    operations: OPERATIONS,
    before() {
      sum = 0;
    },
    timed() {
      sum = run();
      return undefined;
    },
    check: () => expectEqual(`${what}: sum`, sum, expected),
  };
}

export const empty: MicroBench = {
  summary: 'a loop alone: its counter, an offset, a sum',
  ordered: false,
  prepare: () => summing('empty', addOffsets, walked(FIELD_COUNT * (FIELD_COUNT - 1))),
};

function addOffsets(): number {
  let sum = 0;
  for (let i = 0; i < OPERATIONS; i++) sum = (sum + ((i << 1) & OFFSET_MASK)) | 0;
  return sum;
}

export const load: MicroBench = {
  summary: 'load16 of a shared field',
  ordered: true,
  prepare: ({ region, shared }: Stage) => summing('load', () => loadAll(shared), walked(fillFields(region.u16, 0))),
};

function loadAll(shared: SharedFields): number {
  let sum = 0;
  for (let i = 0; i < OPERATIONS; i++) sum = (sum + shared.load16((i << 1) & OFFSET_MASK)) | 0;
  return sum;
}

export const store: MicroBench = {
  summary: 'store16 of a shared field',
  ordered: true,
  prepare({ region, shared }: Stage) {
    let round = 0;
    return {
      operations: OPERATIONS,
      before() {
        round = (round + 1) & 0xffff;
      },
      timed() {
        storeAll(shared, round);
        return undefined;
      },
      check: () => checkStored('store', region.u16, round),
    };
  },
};

function storeAll(shared: SharedFields, round: number): void {
  for (let i = 0; i < OPERATIONS; i++) shared.store16((i << 1) & OFFSET_MASK, (i + round) & 0xffff);
}

export const fence: MicroBench = {
  summary: "store16 of ours, fence, load16 of the peer's: the step before each sleep",
  ordered: true,
  prepare({ region, shared }: Stage) {
    const expected = walked(fillFields(region.u16, FIELD_COUNT));
    let round = 0;
    let sum = 0;
    return {
      operations: OPERATIONS,
      before() {
        round = (round + 1) & 0xffff;
        sum = 0;
      },
      timed() {
        sum = storeFenceLoadAll(shared, round);
        return undefined;
      },
      check() {
        checkStored('fence', region.u16, round);
        expectEqual('fence: sum', sum, expected);
      },
    };
  },
};

function storeFenceLoadAll(shared: SharedFields, round: number): number {
  let sum = 0;
  for (let i = 0; i < OPERATIONS; i++) {
    const offset = (i << 1) & OFFSET_MASK;
    shared.store16(offset, (i + round) & 0xffff);
    shared.fence();
    sum = (sum + shared.load16(PEER_OFFSET + offset)) | 0;
  }
  return sum;
}
