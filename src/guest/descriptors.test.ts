import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryRegion } from '../memory/region.ts';
import { writeDescriptor } from './descriptors.ts';

const SIZE = 65536;

const cases: [string, number, number][] = [
  ['address 0', 0, 0],
  ['below 2^31', 2 ** 31 - SIZE, SIZE - 8],
  ['across 2^31', 2 ** 31 - 8, 16],
  ['just below 2^32', 2 ** 32 - SIZE, SIZE - 1],
  ['at 2^32, by the carry', 2 ** 32 - 8, 8],
  ['across 2^32', 2 ** 32 - 8, 100],
  ['high base, no carry', 0x12_3456_0000, 0x77],
  ['high base with carry', 0x12_ffff_fff8, 0x108],
  ['the last address', 2 ** 53 - SIZE, SIZE - 1],
];
for (const [what, guestBase, offset] of cases)
  test(`descriptor: ${what}`, () => {
    const region = new MemoryRegion({ guestBase, buffer: new ArrayBuffer(SIZE) });
    const table = new Uint32Array(12).fill(0xeeeeeeee);
    writeDescriptor(table, 4, region, offset, 0xfedcba98, 0x8001_0003);
    const view = new DataView(table.buffer);
    assert.equal(view.getBigUint64(16, true), BigInt(guestBase) + BigInt(offset));
    assert.deepEqual(
      [view.getUint32(24, true), view.getUint16(28, true), view.getUint16(30, true)],
      [0xfedcba98, 3, 0x8001],
    );
    assert.ok([...table.subarray(0, 4), ...table.subarray(8)].every((word) => word === 0xeeeeeeee));
  });
