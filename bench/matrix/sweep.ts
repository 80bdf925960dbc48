/**
 * Runs the tasks of a sweep and keeps each repetition as a record of its own as soon as it ends, so that a sweep can
 * be interrupted at any time and goes on where it stopped. Main thread.
 */
import { createHash } from 'node:crypto';
import { faultFor, type Hooks } from '../command.ts';
import { placementOf } from '../placement.ts';
import { configKey, type Environment, makeRecord, type RunConfig, type RunRecord } from '../record.ts';
import { type RepetitionResult, runRepetition } from '../repetition.ts';
import { warningsOf } from '../report.ts';
import { appendRecord, readRecords } from '../results.ts';
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

export function sweepId(configs: readonly RunConfig[], { machine, node, commit, dirty }: Environment): string {
  const what = JSON.stringify([configs.map(configKey), machine, node, commit, dirty]);
  return createHash('sha256').update(what).digest('hex').slice(0, ID_LENGTH);
}

/** The seed of a sweep of this id that was begun in the file and not finished; null if there is none. */
export function unfinishedSeed(file: string | null, id: string, taskCount: number): number | null {
  if (file === null) return null;
  const counts = new Map<number, number>();
  for (const { sweep } of readRecords(file, id))
    if (sweep?.id === id) counts.set(sweep.seed, (counts.get(sweep.seed) ?? 0) + 1);
  return [...counts].findLast(([, count]) => count < taskCount)?.[0] ?? null;
}

/** What the file has of the sweep already. */
export function recordsOf({ file, id, seed, configs }: Sweep): SweepRecords {
  const kept: SweepRecords = configs.map(() => []);
  if (file === null) return kept;
  const places = new Map(configs.map((config, cell) => [configKey(config), cell]));
  for (const record of readRecords(file, id)) {
    const cell = places.get(configKey(record.config));
    if (record.sweep?.id === id && record.sweep.seed === seed && cell !== undefined) kept[cell]!.push(record);
  }
  return kept;
}

/** The tasks that have no record yet, in order. */
export function tasksLeft({ configs, repetitions, seed }: Sweep, records: SweepRecords): Task[] {
  const had = records.map((of) => new Set(of.map(({ sweep }) => sweep?.repetition)));
  return tasksInOrder(configs.length, repetitions, seed).filter(({ cell, repetition }) => !had[cell]!.has(repetition));
}

export interface SweepHooks extends Hooks {
  /** Told before each task: how many are over, of those that were left. */
  onTask: (task: Task, over: number) => void;
}

/** Runs the tasks; adds to `records`. True if it came to the end, false if it was interrupted. */
export async function runTasks(
  sweep: Sweep,
  tasks: readonly Task[],
  records: SweepRecords,
  { onTask, signal, ...hooks }: Omit<SweepHooks, 'signal'> & { signal: AbortSignal | undefined },
): Promise<boolean> {
  for (const [over, task] of tasks.entries()) {
    if (signal?.aborted) return false;
    onTask(task, over);
    const config = sweep.configs[task.cell]!;
    const at = new Date().toISOString();
    const fault = faultFor(hooks, config);
    const result = await runRepetition(config, placementOf(config.cpus), { fault, ...(signal && { signal }) });
    if (result.outcome === 'interrupted') return false;
    const record = toRecord(sweep, task, at, result);
    records[task.cell]!.push(record);
    if (sweep.file !== null) appendRecord(sweep.file, record);
  }
  return true;
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
