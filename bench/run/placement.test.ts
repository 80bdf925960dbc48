import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCpuList } from '../pair/pinning.ts';
import { PlacementError, placeThreads } from './placement.ts';

const placed: [cpus: string, allowed: number[] | null, guest: number | null, host: number | null, apart: boolean][] = [
  ['distant', [0, 1, 2, 3], 0, 3, true],
  ['distant', [5], 5, 5, false],
  ['same', [2, 3], 2, 2, false],
  ['none', [0, 1], null, null, true],
  ['none', [0], null, null, false],
  ['1,0', [0, 1], 1, 0, true],
  ['1,1', [0, 1], 1, 1, false],
  ['distant', null, null, null, true],
];
for (const [cpus, allowed, guest, host, apart] of placed)
  test(`placement: ${cpus} on ${allowed ?? 'an unknown system'}`, () => {
    const placement = placeThreads(cpus, allowed);
    assert.deepEqual([placement.guest, placement.host, placement.apart], [guest, host, apart]);
    assert.equal(placement.required, cpus.includes(','));
    assert.equal(placement.unpinnedReason === '', guest !== null);
  });

const refused: [cpus: string, allowed: number[] | null, message: RegExp][] = [
  ['0,9', [0, 1], /CPU 9 is not among those allowed here: 0,1/],
  ['0', [0, 1], /wants distant, same, none or two CPU numbers/],
  ['0,1,2', [0, 1, 2], /wants distant/],
  ['everywhere', [0], /not 'everywhere'/],
  ['0,1', null, /does not tell its CPUs/],
];
for (const [cpus, allowed, message] of refused)
  test(`placement refuses: ${cpus} on ${allowed ?? 'an unknown system'}`, () => {
    assert.throws(
      () => placeThreads(cpus, allowed),
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
