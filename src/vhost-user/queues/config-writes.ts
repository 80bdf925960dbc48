/** What a guest wrote into a configuration space, for a device that is opened later: the writes that still count. */

interface Write {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export class ConfigWrites {
  private writes: readonly Write[] = [];

  /** In order: made one after the other they leave what all writes have left. At most one a byte of the space. */
  get all(): readonly Write[] {
    return this.writes;
  }

  add(offset: number, bytes: Uint8Array): void {
    const written = new Set<number>();
    const counts = (write: Write): boolean => {
      const before = written.size;
      for (const at of write.bytes.keys()) written.add(write.offset + at);
      return written.size > before;
    };
    // From the newest on: a write of whose bytes none is left needs not be made again.
    const newestFirst = [{ offset, bytes }, ...[...this.writes].reverse()];
    this.writes = newestFirst.filter(counts).reverse();
  }
}
