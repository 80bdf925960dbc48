/** The cells that two sets of records have in common, and why some sets cannot be compared at all. */
import { CONFIGURATION_FIELDS, configurationKey } from '../records/configuration.ts';
import type { Repetition, RunConfig, RunRecord } from '../records/record.ts';
import { ringsOf, transfersOf } from '../records/sums.ts';

/** One finished repetition: the unit of every statistic. */
export interface Observation {
  /** Start of its record, milliseconds since 1970: the repetitions of one record have the same. */
  atMs: number;
  transfersPerSecond: number;
  /** Rings of both sides, a transfer. */
  notifications: number;
  /** The way to the other CPU and back, nanoseconds, before and after; null where there is none. */
  crossings: readonly [number, number] | null;
  /** What measured that way: only ways by the same can be compared. */
  crossedBy: Repetition['crossedBy'];
}

/** One side of a comparison: the repetitions of one cell, and how many more did not end well. */
export interface Side {
  observations: Observation[];
  failures: number;
}

export interface CellPair {
  /** What of its configuration differs from cell to cell, like `eventidx=true doorbell=futex`; empty for only one. */
  name: string;
  config: RunConfig;
  a: Side;
  b: Side;
}

export interface Pairing {
  pairs: CellPair[];
  /** Cells that only one of the two has. */
  onlyA: number;
  onlyB: number;
  /** Differences that do not forbid the comparison, but must be known. */
  notes: string[];
}

/** These sets cannot be compared; the message names the field that differs. */
export class Incomparable extends Error {}

/** @throws Incomparable */
export function pairCells(a: readonly RunRecord[], b: readonly RunRecord[], acrossMachines: boolean): Pairing {
  if (acrossMachines)
    for (const [records, side] of [
      [a, 'A'],
      [b, 'B'],
    ] as const)
      checkOneMachine(records, `in ${side}`);
  else checkOneMachine([...a, ...b], '(--across-machines compares the ratios within each)');
  const [inA, inB] = [cellsIn(a), cellsIn(b)];
  const common = [...inA.keys()].filter((key) => inB.has(key));
  if (common.length === 0) throw new Incomparable(`no configuration is in both: ${differences(a, b)}`);
  const varied = CONFIGURATION_FIELDS.filter(
    (field) => new Set(common.map((key) => inA.get(key)!.config[field])).size > 1,
  );
  return {
    pairs: common.map((key) => {
      const { config, side } = inA.get(key)!;
      return {
        name: varied.map((field) => `${field}=${config[field]}`).join(' '),
        config,
        a: side,
        b: inB.get(key)!.side,
      };
    }),
    onlyA: inA.size - common.length,
    onlyB: inB.size - common.length,
    notes: environmentNotes(a, b),
  };
}

function checkOneMachine(records: readonly RunRecord[], where: string): void {
  const machines = [...new Set(records.map(({ environment }) => environment.machine))];
  if (machines.length > 1) throw new Incomparable(`environment.machine differs: ${machines.join(', ')} ${where}`);
}

/** Of what a measurement also depends on, but a comparison may be about. */
function environmentNotes(a: readonly RunRecord[], b: readonly RunRecord[]): string[] {
  return (['node', 'v8', 'kernel', 'cpus'] as const).flatMap((field) => {
    const [ofA, ofB] = [a, b].map((of) => [...new Set(of.map(({ environment }) => environment[field]))].join(', '));
    return ofA === ofB ? [] : [`environment.${field} differs: ${ofA} in A, ${ofB} in B`];
  });
}

/** The fields by which the two nearest configurations differ. */
function differences(a: readonly RunRecord[], b: readonly RunRecord[]): string {
  let fewest: string[] | null = null;
  for (const { config: ofA } of a)
    for (const { config: ofB } of b) {
      const found = CONFIGURATION_FIELDS.filter((field) => ofA[field] !== ofB[field]).map(
        (field) => `config.${field} is ${ofA[field]} in A, ${ofB[field]} in B`,
      );
      if (fewest === null || found.length < fewest.length) fewest = found;
    }
  return fewest!.join('; ');
}

function cellsIn(records: readonly RunRecord[]): Map<string, { config: RunConfig; side: Side }> {
  const cells = new Map<string, { config: RunConfig; side: Side }>();
  for (const record of records) {
    const { config, outcome } = record;
    if (outcome === 'interrupted' && record.repetitions.length === 0) continue;
    const key = configurationKey(config);
    const cell = cells.get(key) ?? { config, side: { observations: [], failures: 0 } };
    for (const observation of observationsOf(record)) cell.side.observations.push(observation);
    if (outcome !== 'done' && outcome !== 'interrupted') cell.side.failures++;
    cells.set(key, cell);
  }
  return cells;
}

function observationsOf({ at, config, repetitions }: RunRecord): Observation[] {
  return repetitions.map((repetition) => {
    const {
      transfersPerSecond,
      crossCpuNs: [before, after],
      crossedBy,
    } = repetition;
    return {
      atMs: Date.parse(at),
      transfersPerSecond,
      notifications: (ringsOf(repetition, 'guest') + ringsOf(repetition, 'host')) / transfersOf(config, repetition),
      crossings: before === null || after === null ? null : [before, after],
      crossedBy,
    };
  });
}
