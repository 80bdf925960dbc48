/** For tests: what a guest is started with, without a machine. Rings of one page each lie at pages 1, 2, 3. */
import { waitAsyncDoorbell } from '../../doorbell/wait-async.ts';
import { allocateShared } from '../../memory/region.ts';
import type { GuestBoot } from '../guest-boot.ts';
import { makeInterruptLines } from '../interrupts.ts';

export const PAGE = 4096;
export const RAM_BYTES = 16 * PAGE;
export const LIMIT_BYTES = RAM_BYTES + 2 * PAGE;

/** Rings at these pages are kicked; the one at page `UNSERVED` is nobody's. */
export const UNSERVED = 5;

export function testBoot(options: Partial<GuestBoot> & { pages?: readonly number[] } = {}): GuestBoot {
  const { pages = [], ...given } = options;
  return {
    memory: allocateShared(LIMIT_BYTES),
    ramBytes: RAM_BYTES,
    limitBytes: LIMIT_BYTES,
    devicePage: RAM_BYTES,
    statusAddresses: [RAM_BYTES + 2, RAM_BYTES + 12],
    driven: [waitAsyncDoorbell.makeHandle(), waitAsyncDoorbell.makeHandle()],
    commandLine: '',
    entry: new URL('./test-guest.js', import.meta.url).href,
    rings: [
      ...pages.map((page) => ({ address: page * PAGE, sizeBytes: PAGE, kick: waitAsyncDoorbell.makeHandle() })),
      { address: UNSERVED * PAGE, sizeBytes: PAGE, kick: null },
    ],
    interrupts: makeInterruptLines(64),
    ...given,
  };
}
