/** Tells where a sweep is and how much longer it takes: before it begins, and between its repetitions. Main thread. */
import { counted, grouped } from '../command-line/columns.ts';
import { bar, type Course, expectedLine, timeLeft } from '../command-line/progress.ts';
import { TimeLeft } from '../command-line/time-left.ts';
import { assumedMs, measuredMs } from '../run/expected-time.ts';
import type { Cell } from './axes.ts';
import type { Task } from './order.ts';
import type { SweepRecords } from './sweep.ts';

export class SweepCourse {
  private readonly cells: readonly Cell[];
  private readonly whole: number;
  private readonly left: TimeLeft;
  private readonly nowMs: () => number;
  private last: { cell: number; atMs: number } | null = null;

  /** @param tasks those that are left; `records` has what was measured before. */
  constructor(
    cells: readonly Cell[],
    tasks: readonly Task[],
    records: SweepRecords,
    nowMs: () => number = () => performance.now(),
  ) {
    const counts = cells.map(() => 0);
    for (const { cell } of tasks) counts[cell]!++;
    this.cells = cells;
    this.whole = tasks.length;
    this.left = new TimeLeft(cells.map(({ config }, i) => ({ assumedMs: assumedMs(config), left: counts[i]! })));
    this.nowMs = nowMs;
    for (const [cell, of] of records.entries())
      for (const record of of) for (const ms of measuredMs(record)) this.left.add(cell, ms);
  }

  /** What is expected of a long sweep; null: it is a short one. */
  expected(): string | null {
    return expectedLine(this.left.ms(), counted(this.whole, 'repetition'));
  }

  /** Before each task. */
  show(course: Course, { cell }: Task, over: number): void {
    const atMs = this.nowMs();
    if (this.last !== null) this.left.finish(this.last.cell, atMs - this.last.atMs);
    this.last = { cell, atMs };
    const left = timeLeft(this.left.ms());
    course.show(
      over / this.whole,
      `${bar(over, this.whole)} ${over} of ${this.whole}${left}  ${this.cells[cell]!.values.join(' ')}`,
      `${grouped(over)} of ${counted(this.whole, 'repetition')}${left}`,
    );
  }
}
