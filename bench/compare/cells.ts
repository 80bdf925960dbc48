/** The cells that two sets of records have in common, and why some sets cannot be compared at all. */
import { CONFIGURATION_FIELDS, configurationKey } from '../records/configuration.ts';
import { configurationName, fieldText } from '../records/configuration-name.ts';
import { figuresCount } from '../records/counted.ts';
import type { Repetition, RunConfig, RunRecord } from '../records/record.ts';
import { ringsOf, transfersOf } from '../records/sums.ts';
import { setNotes, whyNothingInCommon } from './differences.ts';

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

/** One side of a comparison: the repetitions of one cell that count, and how many runs did not end well. */
export interface Side {
  observations: Observation[];
  failures: number;
}

export interface CellPair {
  /** What of its configuration differs from cell to cell, like `eventidx=on doorbell=futex`; empty for only one. */
  name: string;
  config: RunConfig;
  a: Side;
  b: Side;
}

export interface Pairing {
  pairs: CellPair[];
  /** What is the same in all of them, as `configurationName` says it; of only one its whole name. */
  shared: string;
  /** Cells that only one of the two has, by their whole names. */
  onlyA: string[];
  onlyB: string[];
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
  if (common.length === 0) {
    const [ofA, ofB] = [inA, inB].map((cells) => [...cells.values()].map(({ config }) => config));
    throw new Incomparable(`no configuration is in both: ${whyNothingInCommon(ofA!, ofB!)}`);
  }
  const configs = common.map((key) => inA.get(key)!.config);
  const varied = CONFIGURATION_FIELDS.filter((field) => new Set(configs.map((config) => config[field])).size > 1);
  const compared = new Set(common);
  const [comparedA, comparedB] = [a, b].map((of) => of.filter(({ config }) => compared.has(configurationKey(config))));
  return {
    pairs: common.map((key) => {
      const { config, side } = inA.get(key)!;
      return {
        name: varied.map((field) => fieldText(config, field)).join(' '),
        config,
        a: side,
        b: inB.get(key)!.side,
      };
    }),
    shared: configurationName(configs[0]!, varied),
    onlyA: namesOf(inA, inB),
    onlyB: namesOf(inB, inA),
    notes: setNotes(comparedA!, comparedB!),
  };
}

/** Of those that the others lack. */
const namesOf = (cells: Cells, others: Cells) =>
  [...cells].flatMap(([key, { config }]) => (others.has(key) ? [] : [configurationName(config)]));

function checkOneMachine(records: readonly RunRecord[], where: string): void {
  const machines = [...new Set(records.map(({ environment }) => environment.machine))];
  if (machines.length > 1) throw new Incomparable(`environment.machine differs: ${machines.join(', ')} ${where}`);
}

type Cells = Map<string, { config: RunConfig; side: Side }>;

function cellsIn(records: readonly RunRecord[]): Cells {
  const cells: Cells = new Map();
  for (const record of records) {
    const { config, outcome } = record;
    if (outcome === 'interrupted' && record.repetitions.length === 0) continue;
    const key = configurationKey(config);
    const cell = cells.get(key) ?? { config, side: { observations: [], failures: 0 } };
    // Not spread: a record may have more repetitions than a call takes arguments.
    if (figuresCount(record))
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
