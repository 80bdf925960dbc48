/** Measures the chosen rows one after the other; a row that fails costs the others nothing. Main thread. */
import { counted } from '../../bench/command-line/columns.ts';
import { bar, timeLeft } from '../../bench/command-line/progress.ts';
import { TimeLeft } from '../../bench/command-line/time-left.ts';
import { makePeerRecord, type PeerRecord, type PeerRound } from '../../bench/records/peer-record.ts';
import { Failure, Missing } from '../peers/failure.ts';
import { Interrupted } from './child.ts';
import { assumedRowMs } from './expected.ts';
import { measureRow, type Sides } from './measure.ts';
import type { Measured } from './measured.ts';
import { calibrate, runOurs } from './ours.ts';
import { hasPlain, PLAIN, type Row } from './rows.ts';
import type { Settings } from './settings.ts';
import { runRingtest, runVringh, startRingtest, startVringh } from './theirs.ts';
import type { Workshop } from './workshop.ts';

export interface Outcome {
  measured: Measured[];
  /** Rows that this machine or tree has not the parts for. */
  missing: number;
  failed: number;
  interrupted: boolean;
}

type Pair = readonly [guest: number, host: number];

/** Where a row runs: null is both on the first CPU. @throws Missing */
function placesOf({ group }: Row, { cpus, sweepCpus }: Settings): (Pair | null)[] {
  if (group === 'same') return [null];
  if (cpus.length < 2) throw new Missing('it needs two CPUs');
  if (!sweepCpus) return [[cpus[0]!, cpus.at(-1)!]];
  return cpus.flatMap((guest) => cpus.filter((host) => host !== guest).map((host): Pair => [guest, host]));
}

export async function runRows(rows: readonly Row[], workshop: Workshop, settings: Settings): Promise<Outcome> {
  const outcome: Outcome = { measured: [], missing: 0, failed: 0, interrupted: false };
  const { progress, say, onRecord } = settings;
  const time = new TimeLeft(rows.map((row) => ({ assumedMs: assumedRowMs(row, settings), left: 1 })));
  for (const [place, row] of rows.entries()) {
    const startMs = performance.now();
    let tookMs: number | null = null;
    const left = timeLeft(time.ms());
    const share = place / rows.length;
    progress.show(share, `${bar(place, rows.length)}${left}`, `${place} of ${counted(rows.length, 'row')}${left}`);
    const show = (text: string) => progress.show(share, `${bar(place, rows.length)}${left}  ${text}`, null);
    try {
      for (const pair of placesOf(row, settings)) {
        const record = await measure(row, pair, workshop, settings, show);
        progress.clear();
        // Interrupted before anything was finished: nothing to keep.
        if (record.outcome === 'interrupted' && record.rounds.length === 0) return { ...outcome, interrupted: true };
        outcome.measured.push({ row, record });
        onRecord(record);
        if (record.outcome === 'failed') outcome.failed++;
        if (record.outcome === 'interrupted') return { ...outcome, interrupted: true };
      }
      tookMs = performance.now() - startMs;
    } catch (error) {
      progress.clear();
      if (error instanceof Interrupted) return { ...outcome, interrupted: true };
      if (!(error instanceof Missing)) throw error;
      outcome.missing++;
      say(`left out: ${row.name}: ${error.message}`);
    }
    time.finish(place, tookMs);
  }
  return outcome;
}

/** @throws Missing */
async function measure(
  row: Row,
  pair: Pair | null,
  workshop: Workshop,
  settings: Settings,
  show: (text: string) => void,
): Promise<PeerRecord> {
  const { rounds: wanted, transfers, our, child, environment, cpus } = settings;
  const { path, compiler, edits } = workshop.programOf(row, 'compared');
  const shipped = row.shipped ? workshop.programOf(row, 'shipped').path : null;
  const starter = workshop.programOf(row, 'start').path;
  const where = pair === null ? 'same' : pair.join(',');
  const ours = await strategiesOf(row, workshop, settings);
  const theirs = { program: path, args: row.args, transfers, cpus: pair, firstCpu: cpus[0]! };
  const [run, start] = row.group === 'ringtest' ? [runRingtest, startRingtest] : [runVringh, startVringh];
  // Our program may be an older one, that of another checkout.
  let crossedBy: PeerRecord['crossedBy'] = 'wasm';
  const sides: Sides = {
    peer: () => run(theirs, child),
    shipped: shipped === null ? null : () => run({ ...theirs, program: shipped }, child),
    ours: (strategy) => runOurs(our, [...ours[strategy]!, '--cpus', where, '--transfers', String(transfers)], child),
    calibrate:
      pair === null
        ? null
        : async () => {
            const calibration = await calibrate(our, where, child);
            crossedBy = calibration.crossedBy;
            return calibration.crossCpuNs;
          },
  };
  const at = new Date().toISOString();
  const rounds: PeerRound[] = [];
  const onRun = (round: number, what: string) =>
    show(`${row.name}${pair === null ? '' : ` @${where}`}, round ${round + 1}, ${wanted} wanted: ${what}`);
  let ended: Pick<PeerRecord, 'outcome' | 'failure'> = { outcome: 'done', failure: null };
  let startNs: number | null = null;
  try {
    startNs = await start({ ...theirs, program: starter, transfers: 1 }, child);
    await measureRow(rounds, sides, { strategies: Object.keys(ours), rounds: wanted, onRun });
  } catch (error) {
    if (error instanceof Interrupted) ended = { outcome: 'interrupted', failure: null };
    else if (error instanceof Failure) ended = { outcome: 'failed', failure: error.message };
    else throw error;
  }
  return makePeerRecord({
    at,
    label: our.label,
    ...ended,
    row: row.name,
    program: { name: row.program, tree: workshop.tree, compiler, edits, args: [...row.args], startNs },
    cpus: where,
    crossedBy,
    transfers,
    ours,
    environment,
    rounds,
  });
}

/** Options of `run` by strategy; none for a row of theirs alone. */
async function strategiesOf(row: Row, workshop: Workshop, { bestOf }: Settings): Promise<Record<string, string[]>> {
  if (row.ours === null) return {};
  const cost = row.exitCost ? ['--exit-cost', String(await workshop.exitCostNs(row))] : [];
  const base = [...row.ours, ...cost];
  const best = bestOf(row);
  return {
    default: [...base, ...row.strategy],
    ...(best === null ? {} : { best: [...base, ...best] }),
    ...(hasPlain(row) ? { plain: [...base, ...PLAIN] } : {}),
  };
}
