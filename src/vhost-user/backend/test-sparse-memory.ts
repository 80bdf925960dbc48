/** For tests: memory of a size that no machine has, in a sparse file, and requests whose data lie in it. */
import assert from 'node:assert/strict';
import { readSync, writeSync } from 'node:fs';
import { addEventfd } from '../../native/eventfd.ts';
import { VRING_DESC_F_WRITE } from '../../ring/constants.ts';
import type { Handle } from '../messages/handle.ts';
import type { MemoryRegionDescription } from '../messages/payload.ts';
import type { TestFrontend, TestGuest } from './test-frontend.ts';

export const GIB = 2 ** 30;
export const TIB = 2 ** 40;
/** All that a table may hold, but for the guest's own memory. */
export const SPARSE_BYTES = 4 * TIB - 4 * GIB;
const SPARSE_BASE = TIB;

export const sparseRegion: MemoryRegionDescription = {
  guestAddress: BigInt(SPARSE_BASE),
  sizeBytes: BigInt(SPARSE_BYTES),
  userAddress: BigInt(16 * TIB),
  mmapOffset: 0n,
};

/** SET_MEM_TABLE with the guest's own memory and the sparse region. */
export async function sayTable(frontend: TestFrontend, guest: TestGuest, memory: Handle, sparse: Handle) {
  const table = { request: 'SET_MEM_TABLE', regions: [guest.region, sparseRegion] } as const;
  assert.equal(await frontend.value({ ...table, handles: [memory, sparse] }), 0n);
}

const HEAD = 0;
const WORD = 4;

/** A request of queue 0 with a word at each of some offsets of the sparse file, and its answer behind the first. */
export async function exchangeFar(guest: TestGuest, descriptor: number, offsets: readonly number[]): Promise<void> {
  const { driver, kick } = guest.ring(0);
  const words = Uint32Array.from(offsets, (offset, i) => (offset % 1000) + i);
  for (const [i, offset] of offsets.entries()) writeSync(descriptor, words, WORD * i, WORD, offset);
  const answerOffset = offsets[0]! + 64;
  driver.writeChain(HEAD, [
    ...offsets.map((offset) => ({ address: SPARSE_BASE + offset, length: WORD })),
    { address: SPARSE_BASE + answerOffset, length: words.byteLength, flags: VRING_DESC_F_WRITE },
  ]);
  driver.offer(HEAD);
  addEventfd(kick);
  assert.deepEqual(await guest.nextUsed(0), { id: HEAD, length: words.byteLength });
  const answer = new Uint32Array(offsets.length);
  readSync(descriptor, answer, 0, answer.byteLength, answerOffset);
  assert.deepEqual(answer, words);
}
