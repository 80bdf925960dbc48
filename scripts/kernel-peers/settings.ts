/** What rows are measured with. */
import type { Course } from '../../bench/command-line/progress.ts';
import type { PeerRecord } from '../../bench/records/peer-record.ts';
import type { Environment } from '../../bench/records/record.ts';
import type { ChildOptions } from './child.ts';
import type { OurProgram } from './ours.ts';
import type { Row } from './rows.ts';

export interface Settings {
  rounds: number;
  transfers: number;
  /** Words of the best strategy of a row; null: it has none besides the default. */
  bestOf(row: Row): readonly string[] | null;
  /** All ordered pairs of CPUs, not only first and last. */
  sweepCpus: boolean;
  /** That this process may use, ascending. */
  cpus: readonly number[];
  our: OurProgram;
  environment: Environment;
  child: ChildOptions;
  progress: Course;
  /** Of what was left out. */
  say(line: string): void;
  /** Of each row, finished or not. */
  onRecord(record: PeerRecord): void;
}
