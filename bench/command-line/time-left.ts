/** The time that is left of a long piece of work: from what its tasks took, by kind, and before that from what was assumed. */

interface Kind {
  /** Milliseconds of one task, before any was measured; null: nothing is known. */
  assumedMs: number | null;
  /** Tasks of this kind that are still to come. */
  left: number;
}

interface Measured {
  ms: number;
  count: number;
}

export class TimeLeft {
  private readonly kinds: Kind[];
  private readonly measured: Measured[];
  /** Of the tasks that were measured: what they took, and what was assumed of those that it was assumed of. */
  private readonly all: Measured = { ms: 0, count: 0 };
  private readonly guessed = { tookMs: 0, assumedMs: 0 };

  constructor(kinds: readonly Kind[]) {
    this.kinds = kinds.map((kind) => ({ ...kind }));
    this.measured = kinds.map(() => ({ ms: 0, count: 0 }));
  }

  /** A task of this kind took so long, here or earlier; it is not among those that are left. */
  add(kind: number, ms: number): void {
    const { assumedMs } = this.kinds[kind]!;
    for (const sum of [this.measured[kind]!, this.all]) {
      sum.ms += ms;
      sum.count++;
    }
    if (assumedMs === null) return;
    this.guessed.tookMs += ms;
    this.guessed.assumedMs += assumedMs;
  }

  /** The same of a task that was among them; null: it was not run. */
  finish(kind: number, ms: number | null): void {
    this.kinds[kind]!.left--;
    if (ms !== null) this.add(kind, ms);
  }

  /** Milliseconds until all tasks are over; null: nothing was measured, or assumed. */
  ms(): number | null {
    let sum = 0;
    for (const [kind, { left }] of this.kinds.entries()) {
      const one = this.ofOne(kind);
      if (left > 0 && one === null) return null;
      sum += left * (one ?? 0);
    }
    return sum;
  }

  /** As others of its kind; else as was assumed, corrected by how wrong that was of other kinds; else as any other. */
  private ofOne(kind: number): number | null {
    const { ms, count } = this.measured[kind]!;
    if (count > 0) return ms / count;
    const { assumedMs } = this.kinds[kind]!;
    const { tookMs, assumedMs: guessedMs } = this.guessed;
    if (assumedMs !== null) return guessedMs > 0 ? (assumedMs * tookMs) / guessedMs : assumedMs;
    return this.all.count > 0 ? this.all.ms / this.all.count : null;
  }
}
