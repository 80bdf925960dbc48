/** The kernel's programs: each run is a whole process, by the shell's clock. */
import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import { Failure } from '../peers/failure.ts';
import { type ChildOptions, runTimed } from './child.ts';
import { GUEST_CPU, HOST_CPU } from './edits.ts';
import type { Sides } from './measure.ts';
import { parseVringhOutput } from './vringh-output.ts';

type Figures = Awaited<ReturnType<Sides['peer']>>;

export interface Theirs {
  /** The built program. */
  program: string;
  args: readonly string[];
  transfers: number;
  /** Guest and host; null: it pins both to the machine's first, which is to be `firstCpu`. */
  cpus: readonly [number, number] | null;
  firstCpu: number;
}

const MAPPED_FILE = '/tmp/vringh_test-file';

/** vringh_test leaves the file that it maps. */
export function removeMappedFile(): void {
  try {
    rmSync(MAPPED_FILE, { force: true });
  } catch {
    // Somebody else's, whom the program's own error names.
  }
}

/** How vringh_test is told its CPUs. */
const cpuEnv = (cpus: Theirs['cpus']): Record<string, string> =>
  cpus === null ? {} : { [GUEST_CPU]: String(cpus[0]), [HOST_CPU]: String(cpus[1]) };

/** All arguments of a program of ringtest, which is pinned as its run-on-all.sh does. */
function ringtestArgs({ args, cpus, transfers }: Theirs): string[] {
  const [guest, host] = cpus!;
  const where = ['--guest-affinity', String(guest), '--host-affinity', String(host)];
  return [...args, '--run-cycles', String(transfers), ...where];
}

/** vringh_test. @throws Failure unless it ends well and prints what it does of old, Interrupted */
export async function runVringh(theirs: Theirs, options: ChildOptions): Promise<Figures> {
  const { program, args, transfers, cpus, firstCpu } = theirs;
  const { out, times } = await runTimed(program, args, { ...options, env: cpuEnv(cpus) }).finally(removeMappedFile);
  const said = parseVringhOutput(out);
  if (cpus === null && said.firstCpu !== firstCpu)
    throw new Failure(
      `${basename(program)} pins itself to CPU ${said.firstCpu}, whatever is allowed; ours may run on ${firstCpu} first`,
    );
  return { ...times, transfersPerSecond: (transfers * 1e9) / times.wallNs, guest: said.guest, host: said.host };
}

/** Starts are timed together: the shell's clock shows milliseconds. */
const STARTS = 20;

const timedStarts = async (program: string, args: readonly string[], options: ChildOptions): Promise<number> =>
  (await runTimed(program, args, options, STARTS)).times.wallNs / STARTS;

/** A whole process of vringh_test, nanoseconds; `theirs` transfers once. @throws Failure, Interrupted */
export const startVringh = ({ program, args, cpus }: Theirs, options: ChildOptions): Promise<number> =>
  timedStarts(program, args, { ...options, env: cpuEnv(cpus) }).finally(removeMappedFile);

/** The same of ringtest. @throws Failure, Interrupted */
export const startRingtest = (theirs: Theirs, options: ChildOptions): Promise<number> =>
  timedStarts(theirs.program, ringtestArgs(theirs), options);

/** A program of ringtest. It prints nothing. @throws Failure, Interrupted */
export async function runRingtest(theirs: Theirs, options: ChildOptions): Promise<Figures> {
  const { times } = await runTimed(theirs.program, ringtestArgs(theirs), options);
  return { ...times, transfersPerSecond: (theirs.transfers * 1e9) / times.wallNs, guest: null, host: null };
}
