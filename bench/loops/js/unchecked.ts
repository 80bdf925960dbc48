/** A guest's workload without a peer: it looks at every byte that came back as ever, and refuses none. */
import type { ScatterList } from '../../../src/guest/scatter-list.ts';
import type { GuestWorkload } from './workload.ts';

export class UncheckedGuest implements GuestWorkload {
  private readonly inner: GuestWorkload;
  /** What it would not have refused: counted, so that the engine does not leave the look out. */
  right = 0;

  constructor(inner: GuestWorkload) {
    this.inner = inner;
  }

  fill(x: number, slot: number): ScatterList {
    return this.inner.fill(x, slot);
  }

  verify(x: number, slot: number, usedLength: number): boolean {
    if (this.inner.verify(x, slot, usedLength)) this.right = (this.right + 1) | 0;
    return true;
  }

  explain(x: number, slot: number, usedLength: number): never {
    return this.inner.explain(x, slot, usedLength);
  }
}
