/** For fuzzed sessions: what a frontend does to an event descriptor that the backend holds already. */
import { setNonBlocking } from '../../native/descriptors.ts';
import { addEventfd, takeEventfd } from '../../native/eventfd.ts';
import { fillAndBlock, makeBlocking } from '../../native/odd-blocking.ts';

export const SHARED_CHANGES = ['blocks', 'is full and blocks', 'is as it was'] as const;
export type SharedChange = (typeof SHARED_CHANGES)[number];

export function changeShared(descriptor: number, change: SharedChange): void {
  setNonBlocking(descriptor);
  takeEventfd(descriptor);
  if (change === 'is full and blocks') fillAndBlock(descriptor);
  if (change === 'blocks') makeBlocking(descriptor);
}

/** Kicks that never wait, whatever became of the descriptor: fuzzer and backend are one thread. */
export function kickShared(descriptor: number, count: number): void {
  setNonBlocking(descriptor);
  for (let left = count; left > 0; left--) addEventfd(descriptor);
}
