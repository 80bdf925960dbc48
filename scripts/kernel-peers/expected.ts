/** How long a row takes, before anything was measured: an estimate for people who wait. Pure. */
import { hasPlain, type Row } from './rows.ts';
import type { Settings } from './settings.ts';

/** Assumed of a transfer, of either program; of ours besides its window; of a look at the way between the CPUs. */
const TRANSFER_NS = 200;
const OURS_BESIDES_MS = 3000;
const CALIBRATION_MS = 1500;

type Asked = Pick<Settings, 'rounds' | 'transfers' | 'bestOf' | 'cpus' | 'sweepCpus'>;

/** Milliseconds, of all places that the row runs at. */
export function assumedRowMs(row: Row, { rounds, transfers, bestOf, cpus, sweepCpus }: Asked): number {
  const apart = row.group !== 'same';
  const places = apart && sweepCpus ? cpus.length * (cpus.length - 1) : 1;
  const windowMs = (transfers * TRANSFER_NS) / 1e6;
  const theirs = row.shipped ? 2 : 1;
  const ours = row.ours === null ? 0 : 1 + Number(bestOf(row) !== null) + Number(hasPlain(row));
  const calibrations = apart ? 2 * theirs : 0;
  const roundMs = (theirs + ours) * windowMs + ours * OURS_BESIDES_MS + calibrations * CALIBRATION_MS;
  return places * rounds * roundMs;
}
