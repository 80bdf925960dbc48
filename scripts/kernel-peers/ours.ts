/** Our program beside theirs: runs `run` as a command of its own and takes the figures from its record. */
import { execPath } from 'node:process';
import { type Repetition, type RunRecord, recordSchema } from '../../bench/records/record.ts';
import { helperCpuNs } from '../../bench/records/sums.ts';
import { Failure } from '../peers/failure.ts';
import { type ChildOptions, runWell } from './child.ts';
import type { Sides } from './measure.ts';

export interface OurProgram {
  /** The built command. */
  program: string;
  /** Where its records go; null: nowhere. */
  file: string | null;
  label: string;
  /** What the machine is called; null: by what it is. */
  machine: string | null;
}

type Figures = Awaited<ReturnType<Sides['ours']>>;

/** One repetition of these options. @throws Failure unless it ends well, Interrupted */
async function record(
  { program, file, label, machine }: OurProgram,
  args: readonly string[],
  options: ChildOptions,
): Promise<RunRecord> {
  const kept = [
    ...(file === null ? ['--out', 'none'] : ['--out', file]),
    ...(label === '' ? [] : [`--label=${label}`]),
    ...(machine === null ? [] : ['--machine', machine]),
  ];
  const { out } = await runWell(execPath, [program, 'run', ...args, '--parallel', '--json', ...kept], options);
  const parsed = recordSchema.safeParse(jsonOf(out));
  if (!parsed.success) throw new Failure(`our program printed no record: ${JSON.stringify(out.slice(0, 200))}`);
  return parsed.data;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @throws Failure, Interrupted */
export async function runOurs(ours: OurProgram, args: readonly string[], options: ChildOptions): Promise<Figures> {
  const { id, repetitions } = await record(ours, args, options);
  const repetition = repetitions[0]!;
  const { transfersPerSecond, cpuUserNs, cpuSystemNs, crossCpuNs, pairs } = repetition;
  const { guest, host } = pairs[0]!;
  const side = ({ notified, pinged }: typeof guest) => ({ notified, pinged });
  return {
    record: id,
    ...{ transfersPerSecond, cpuUserNs, cpuSystemNs, crossCpuNs },
    helperCpuNs: helperCpuNs(repetition),
    guest: side(guest),
    host: side(host),
  };
}

/** What the way between two CPUs costs: a run of next to nothing, which is not kept. @throws Failure, Interrupted */
export async function calibrate(
  ours: OurProgram,
  cpus: string,
  options: ChildOptions,
): Promise<Pick<Repetition, 'crossCpuNs' | 'crossedBy'>> {
  const args = ['--transfers', '1k', '--warmup', '0', '--cpus', cpus];
  return (await record({ ...ours, file: null }, args, options)).repetitions[0]!;
}
