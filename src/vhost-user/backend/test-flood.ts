/** For tests: a guest whose every request is long, all of them over the same memory. */
import { addEventfd } from '../../native/eventfd.ts';
import { VRING_DESC_F_INDIRECT, VRING_DESC_F_NEXT, VRING_DESC_F_WRITE, VRING_DESC_SIZE } from '../../ring/constants.ts';
import type { TestGuest } from './test-frontend.ts';

/** Where requests lie in the guest's memory, behind the rings. */
const TABLE = 16384;
export const SHARED = 65536;
const SHARED_BYTES = 2 ** 19;
export const SMALL = SHARED + SHARED_BYTES;

export interface Flood {
  /** Readable bytes before, at SMALL. */
  readonly first?: number;
  /** Elements of 512 KiB each, all of them over the same memory. */
  readonly count: number;
  /** For the host to write. */
  readonly write: boolean;
  /** Writable bytes behind. */
  readonly last?: number;
}

/** Makes every head of a ring available and kicks; each names the one table. INDIRECT_DESC must be negotiated. */
export function offerEverywhere(guest: TestGuest, index: number, { first = 0, count, write, last = 0 }: Flood): void {
  const { driver, size } = guest.ring(index);
  const flags = write ? VRING_DESC_F_WRITE : 0;
  const entries = [
    ...(first > 0 ? [{ offset: SMALL, length: first, flags: 0 }] : []),
    ...Array.from({ length: count }, () => ({ offset: SHARED, length: SHARED_BYTES, flags })),
    ...(last > 0 ? [{ offset: SMALL + 64, length: last, flags: VRING_DESC_F_WRITE }] : []),
  ];
  const view = new DataView(guest.view.u8.buffer, guest.view.u8.byteOffset);
  for (const [i, { offset, length, flags }] of entries.entries()) {
    const at = TABLE + i * VRING_DESC_SIZE;
    const isLast = i === entries.length - 1;
    view.setBigUint64(at, BigInt(guest.view.addressOf(offset)), true);
    view.setUint32(at + 8, length, true);
    view.setUint16(at + 12, flags | (isLast ? 0 : VRING_DESC_F_NEXT), true);
    view.setUint16(at + 14, isLast ? 0 : i + 1, true);
  }
  for (let head = 0; head < size; head++) {
    driver.writeDescriptor(head, {
      offset: TABLE,
      length: entries.length * VRING_DESC_SIZE,
      flags: VRING_DESC_F_INDIRECT,
    });
    driver.offer(head);
  }
  addEventfd(guest.ring(index).kick);
}
