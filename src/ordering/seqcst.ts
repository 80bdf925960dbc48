/** Ordering by sequentially consistent Atomics on every shared index, flag and event. Either thread. */
import type { MemoryRegion } from '../memory/region.ts';
import type { Ordering, SharedFields } from './ordering.ts';

class SeqCstFields implements SharedFields {
  private readonly fields: Uint16Array;

  constructor(region: MemoryRegion) {
    this.fields = region.u16;
  }

  load16(offset: number): number {
    return Atomics.load(this.fields, offset >>> 1);
  }

  store16(offset: number, value: number): void {
    Atomics.store(this.fields, offset >>> 1, value);
  }

  /**
   * Nothing to do: every access above takes part in one total order with the peer's, so a load here already
   * comes after the stores before it [ECMA-262, memory model: sequentially consistent events].
   */
  fence(): void {}
}

export const seqcst: Ordering = {
  name: 'seqcst',
  summary: 'Atomics on every shared field: guaranteed by the language',
  sound: true,
  bind: (region) => new SeqCstFields(region),
};
