/**
 * Runs the tasks of a sweep and keeps each repetition as a record of its own as soon as it ends, so that a sweep can
 * be interrupted at any time and goes on where it stopped. Main thread.
 */
import { createHash } from 'node:crypto';
import { ADDRESS_RANGES_MAX, addressRanges } from '../../src/native/address-ranges.ts';
import { faultFor, type Hooks } from '../command-line/command.ts';
import { shortageLine } from '../command-line/shortage.ts';
import { appendRecord } from '../records/append.ts';
import { configKey, type Environment, makeRecord, type RunConfig, type RunRecord } from '../records/record.ts';
import { readRecords } from '../records/results.ts';
import { placementOf } from '../run/placement.ts';
import { type RepetitionResult, runRepetition } from '../run/repetition.ts';
import { warningsOf } from '../run/warnings.ts';
import { type Task, tasksInOrder } from './order.ts';

export interface Sweep {
  /** Says what is swept, on which machine and with which program; the same for the same command. */
  id: string;
  seed: number;
  configs: readonly RunConfig[];
  repetitions: number;
  environment: Environment;
  label: string;
  /** Where its records are; null: nowhere. */
  file: string | null;
}

/** What is there of a sweep: the records of each cell, in the order they were made. */
export type SweepRecords = RunRecord[][];

const ID_LENGTH = 16;

/** @param program what is measured with: `programHash`. */
export function sweepId(configs: readonly RunConfig[], { machine, node }: Environment, program: string): string {
  const what = JSON.stringify([configs.map(configKey), machine, node, program]);
  return createHash('sha256').update(what).digest('hex').slice(0, ID_LENGTH);
}

/** The seed of a sweep of this id that was begun in the file and not finished; null if there is none. */
export function unfinishedSeed(file: string | null, id: string, taskCount: number): number | null {
  if (file === null) return null;
  const measured = new Map<number, Set<string>>();
  for (const { sweep, config } of readRecords(file, id)) {
    if (sweep?.id !== id) continue;
    const tasks = measured.get(sweep.seed) ?? new Set();
    measured.set(sweep.seed, tasks.add(`${configKey(config)} ${sweep.repetition}`));
  }
  return [...measured].findLast(([, tasks]) => tasks.size < taskCount)?.[0] ?? null;
}

/** What the file has of the sweep already; of a task that two programs measured at the same time, the first. */
export function recordsOf({ file, id, seed, configs }: Sweep): SweepRecords {
  const kept: SweepRecords = configs.map(() => []);
  if (file === null) return kept;
  const places = new Map(configs.map((config, cell) => [configKey(config), cell]));
  for (const record of readRecords(file, id)) {
    const { sweep, config } = record;
    const cell = sweep?.id === id && sweep.seed === seed ? kept[places.get(configKey(config)) ?? -1] : undefined;
    if (cell?.every((other) => other.sweep?.repetition !== sweep?.repetition)) cell.push(record);
  }
  return kept;
}

/** The tasks that have no record yet, in order. */
export function tasksLeft({ configs, repetitions, seed }: Sweep, records: SweepRecords): Task[] {
  const had = records.map((of) => new Set(of.map(({ sweep }) => sweep?.repetition)));
  return tasksInOrder(configs.length, repetitions, seed).filter(({ cell, repetition }) => !had[cell]!.has(repetition));
}

export interface SweepHooks extends Omit<Hooks, 'signal'> {
  signal: AbortSignal | undefined;
  /** Told before each task: how many are over, of those that were left. */
  onTask: (task: Task, over: number) => void;
  /** Told what an append had to mend. */
  onNotice: (notice: string) => void;
}

/**
 * How a sweep ended; `full`: this process can hardly map more memory, another one goes on; `unwritten`: a record could
 * not be appended, and measuring on would be in vain.
 */
export type SweepEnd = { ended: 'done' | 'interrupted' | 'full' } | { ended: 'unwritten'; failure: string };

/** Runs the tasks; adds to `records`. */
export async function runTasks(
  sweep: Sweep,
  tasks: readonly Task[],
  records: SweepRecords,
  { onTask, onNotice, signal, ...hooks }: SweepHooks,
): Promise<SweepEnd> {
  for (const [over, task] of tasks.entries()) {
    if (signal?.aborted) return { ended: 'interrupted' };
    if (over > 0 && addressRanges() > (hooks.rangesMax ?? ADDRESS_RANGES_MAX)) return { ended: 'full' };
    onTask(task, over);
    const config = sweep.configs[task.cell]!;
    const at = new Date().toISOString();
    const fault = faultFor(hooks, config);
    const result = await runRepetition(config, placementOf(config), { fault, ...(signal && { signal }) }).catch(
      (error: Error): RepetitionResult => ({ outcome: 'failed', failure: shortageLine(error) ?? error.message }),
    );
    if (result.outcome === 'interrupted') return { ended: 'interrupted' };
    const record = toRecord(sweep, task, at, result);
    records[task.cell]!.push(record);
    if (sweep.file === null) continue;
    try {
      const notice = appendRecord(sweep.file, record);
      if (notice !== null) onNotice(notice);
    } catch (error) {
      return { ended: 'unwritten', failure: (error as Error).message };
    }
  }
  return { ended: 'done' };
}

function toRecord(sweep: Sweep, { cell, repetition }: Task, at: string, result: RepetitionResult): RunRecord {
  const config = sweep.configs[cell]!;
  const repetitions = 'repetition' in result ? [result.repetition] : [];
  return makeRecord({
    at,
    label: sweep.label,
    outcome: result.outcome,
    failure: 'failure' in result ? result.failure : null,
    config,
    environment: sweep.environment,
    sweep: { id: sweep.id, seed: sweep.seed, repetition },
    harness: null,
    warnings: warningsOf(config, repetitions, sweep.environment.cpus),
    repetitions,
  });
}
