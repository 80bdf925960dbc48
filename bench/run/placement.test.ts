import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCpuList } from '../pair/pinning.ts';
import { PlacementError, placeThreads } from './placement.ts';

type Cpus = [guest: number | null, host: number | null];
const placed: [cpus: string, allowed: number[] | null, expected: Cpus[], apart: boolean][] = [
  ['distant', [0, 1, 2, 3], [[0, 3]], true],
  ['distant', [5], [[5, 5]], false],
  ['same', [2, 3], [[2, 2]], false],
  ['none', [0, 1], [[null, null]], true],
  ['none', [0], [[null, null]], false],
  ['1,0', [0, 1], [[1, 0]], true],
  ['1,1', [0, 1], [[1, 1]], false],
  ['distant', null, [[null, null]], true],
  [
    'distant',
    [0, 1, 2, 3],
    [
      [0, 3],
      [1, 2],
    ],
    true,
  ],
  // More than there are CPUs: from the beginning again.
  [
    'distant',
    [0, 1],
    [
      [0, 1],
      [1, 0],
      [0, 1],
    ],
    true,
  ],
  [
    'same',
    [4, 6],
    [
      [4, 4],
      [6, 6],
      [4, 4],
    ],
    false,
  ],
  [
    'none',
    [0, 1],
    [
      [null, null],
      [null, null],
    ],
    true,
  ],
  [
    '0,1/3,2',
    [0, 1, 2, 3],
    [
      [0, 1],
      [3, 2],
    ],
    true,
  ],
];
for (const [cpus, allowed, expected, apart] of placed)
  test(`placement: ${cpus} on ${allowed ?? 'an unknown system'} of ${expected.length}`, () => {
    const placements = placeThreads(cpus, allowed, expected.length);
    assert.deepEqual(
      placements.map(({ guest, host }) => [guest, host]),
      expected,
    );
    for (const placement of placements) {
      assert.equal(placement.apart, apart);
      assert.equal(placement.required, cpus.includes(','));
      assert.equal(placement.unpinnedReason === '', placement.guest !== null);
    }
  });

const refused: [cpus: string, allowed: number[] | null, pairs: number, message: RegExp][] = [
  ['0,9', [0, 1], 1, /CPU 9 is not among those allowed here: 0,1/],
  ['0,1/0,9', [0, 1], 2, /CPU 9 is not among/],
  ['0', [0, 1], 1, /wants distant, same, none or two CPU numbers a pair/],
  ['0,1,2', [0, 1, 2], 1, /wants distant/],
  ['0,1/2', [0, 1, 2], 2, /wants distant/],
  ['0,1', [0, 1], 2, /names the CPUs of 1 of 2 pairs/],
  ['everywhere', [0], 1, /not 'everywhere'/],
  ['0,1', null, 1, /does not tell its CPUs/],
];
for (const [cpus, allowed, pairs, message] of refused)
  test(`placement refuses: ${cpus} on ${allowed ?? 'an unknown system'} of ${pairs}`, () => {
    assert.throws(
      () => placeThreads(cpus, allowed, pairs),
      (error: unknown) => error instanceof PlacementError && message.test(error.message),
    );
  });

const lists: [list: string, cpus: number[]][] = [
  ['0', [0]],
  ['0-3', [0, 1, 2, 3]],
  ['0-1,4,6-7', [0, 1, 4, 6, 7]],
  ['', []],
  [' 2,9 \n', [2, 9]],
];
for (const [list, cpus] of lists)
  test(`pinning: the kernel's list '${list.trim()}'`, () => assert.deepEqual(parseCpuList(list), cpus));
