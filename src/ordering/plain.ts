/**
 * Orderings by plain accesses, which the language does not order at all between threads. Either thread.
 *
 * `fence`: x86-class hardware keeps plain loads and stores in order except a load after a store, so one full fence
 * there is enough, as long as the engine leaves the accesses where they are written: it does today, nothing
 * guarantees it. `none` leaves that fence out as well: it exists to be caught.
 */
import type { MemoryRegion } from '../memory/region.ts';
import type { Ordering, SharedFields } from './ordering.ts';

class PlainFields implements SharedFields {
  private readonly fields: Uint16Array;

  constructor(region: MemoryRegion) {
    this.fields = region.u16;
  }

  load16(offset: number): number {
    return this.fields[offset >>> 1]!;
  }

  store16(offset: number, value: number): void {
    this.fields[offset >>> 1] = value;
  }

  fence(): void {}
}

class FencedFields extends PlainFields {
  /** A word of our own, touched by nobody else. */
  private readonly own = new Int32Array(new SharedArrayBuffer(4));

  /** An atomic exchange is a full fence in hardware, whatever word it is made on. */
  override fence(): void {
    Atomics.exchange(this.own, 0, 0);
  }
}

export const fence: Ordering = {
  name: 'fence',
  summary: 'plain accesses and one full fence: right on x86 today, not guaranteed',
  sound: false,
  bind: (region) => new FencedFields(region),
};

export const none: Ordering = {
  name: 'none',
  summary: 'plain accesses, no fence: loses wake-ups, exists to be caught',
  sound: false,
  bind: (region) => new PlainFields(region),
};
