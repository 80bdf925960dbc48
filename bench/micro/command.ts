/**
 * The command `micro`: one cell after the other, each in a fresh thread, so that what the engine learnt of one never
 * slows the next; then the table. Main thread, which only waits while a cell is measured.
 */
import { randomUUID } from 'node:crypto';
import { ORDERINGS, type OrderingName } from '../../src/ordering/index.ts';
import { type Console, EXIT_CODES } from '../command-line/command.ts';
import { makeProgress } from '../command-line/progress.ts';
import { freshThreads } from '../pair/fresh-threads.ts';
import { allowedCpus, MOVED } from '../pair/pinning.ts';
import { Standstill, standstillWarnings } from '../pair/standstill.ts';
import { captureEnvironment } from '../records/environment.ts';
import { cpusByDefault, placeThreads } from '../run/placement.ts';
import { BENCHES, type BenchName } from './benches/index.ts';
import type { CellEnd, CellTask } from './cell.ts';
import { microHelp, parseMicroOptions } from './options.ts';
import { type Cell, MICRO_SCHEMA_VERSION, type MicroRecord, microRecordSchema } from './record.ts';
import { tableLines } from './report.ts';

export interface MicroHooks {
  /** Planted by tests: the bench whose timed part does nothing once it is measured. */
  idle?: BenchName;
  /** The same: the bench whose thread is moved off its CPU. */
  moved?: BenchName;
}

type CellName = Pick<CellTask, 'bench' | 'ordering'>;

/** Runs `micro` with its arguments; resolves to the exit code. Ctrl-C is left to the system. @throws UsageError */
export async function microCommand(
  args: readonly string[],
  console: Console,
  { idle, moved }: MicroHooks = {},
): Promise<number> {
  const { benches, orderings, timeMs, machine, json, help } = parseMicroOptions(args);
  if (help) {
    console.out(microHelp());
    return 0;
  }
  const at = new Date().toISOString();
  // Only the document has the machine's name.
  const environment = captureEnvironment(machine, (note) => json && console.err(`note: ${note}`));
  const progress = makeProgress(process.stderr);
  const allowed = allowedCpus();
  const { guest: cpu, host: peerCpu, unpinnedReason } = placeThreads(cpusByDefault(allowed), allowed, 1)[0]!;
  const names = cellNames(benches, orderings);
  const cells: Cell[] = [];
  let outcome: MicroRecord['outcome'] = 'done';
  let failure: string | null = null;
  for (const [i, name] of names.entries()) {
    const where = nameOf(name);
    progress.show(`cell ${i + 1} of ${names.length}: ${where}`);
    const planted = { idle: name.bench === idle, moved: name.bench === moved };
    const standstill = new Standstill();
    const end = await runInFreshThread({ ...name, timeMs, cpu, peerCpu, unpinnedReason, ...planted });
    const stoodStillNs = standstill.end();
    progress.clear();
    if (end.ended !== 'done') {
      outcome = end.ended === 'check-failed' ? 'check-failed' : 'failed';
      failure = `${where}: ${end.message}`;
      break;
    }
    const orderingSound = name.ordering === null ? null : ORDERINGS[name.ordering].sound;
    cells.push({ ...name, orderingSound, ...end.report, stoodStillNs });
  }

  const record: MicroRecord = {
    schema: MICRO_SCHEMA_VERSION,
    id: randomUUID(),
    at,
    outcome,
    failure: failure?.split('\n')[0] ?? null,
    timeMs,
    environment,
    cells,
  };
  if (json) console.out(JSON.stringify(microRecordSchema.parse(record)));
  for (const line of tableLines(benches, orderings, cells)) (json ? console.err : console.out)(line);
  for (const line of cells.flatMap(warningsOf)) console.err(`warning: ${line}`);
  if (failure !== null) console.err(`${outcome}: ${failure}`);
  return EXIT_CODES[outcome];
}

const nameOf = ({ bench, ordering }: CellName) => `${bench}${ordering === null ? '' : `, ordering ${ordering}`}`;

/** What makes a cell's figures doubtful. */
function warningsOf({ unpinnedReason, stoodStillNs, ...name }: Cell): string[] {
  const moved = unpinnedReason?.startsWith(MOVED) ? [`a thread was ${unpinnedReason}`] : [];
  return [...moved, ...standstillWarnings([stoodStillNs], 'in its warm-up or window')].map(
    (line) => `${nameOf(name)}: ${line}`,
  );
}

/** Each bench with each ordering; one that makes no ordered access once. */
function cellNames(benches: readonly BenchName[], orderings: readonly OrderingName[]): CellName[] {
  return benches.flatMap((bench): CellName[] =>
    BENCHES[bench].ordered ? orderings.map((ordering) => ({ bench, ordering })) : [{ bench, ordering: null }],
  );
}

async function runInFreshThread(task: CellTask): Promise<CellEnd> {
  const pool = freshThreads('micro', 1);
  try {
    return await pool.run(task);
  } catch (error) {
    return { ended: 'failed', message: `the thread ended: ${(error as Error).message}` };
  } finally {
    await pool.destroy();
  }
}
