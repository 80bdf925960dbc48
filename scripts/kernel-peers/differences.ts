/** What differs between the programs besides their rings, each with the size that it had in this run. Pure. */
import { greatest, least, median } from '../../bench/statistics/sample.ts';
import type { Measured } from './measured.ts';
import type { GroupName } from './rows.ts';

/** A line for each difference that was measured. */
export const differenceLines = (measured: readonly Measured[]): string[] => [
  ...startLines(measured),
  ...helperLines(measured),
  ...plainLines(measured),
];

type Number = (row: Measured) => number[];

/** `low to high`; the one alone where both read the same; null of nothing. */
function rangeText(values: readonly number[], digits: number): string | null {
  if (values.length === 0) return null;
  const [low, high] = [least(values).toFixed(digits), greatest(values).toFixed(digits)];
  return low === high ? low : `${low} to ${high}`;
}

/** `text` of the rows of each group of which it says something. */
function byGroup(measured: readonly Measured[], text: (rows: readonly Measured[]) => string | null): string {
  const groups = [...new Set(measured.map(({ row }) => row.group))];
  const parts = groups.flatMap((group: GroupName) => {
    const said = text(measured.filter(({ row }) => row.group === group));
    return said === null ? [] : [`${group}: ${said}`];
  });
  return parts.join('; ');
}

const startMs: Number = ({ record: { program } }) => (program.startNs === null ? [] : [program.startNs / 1e6]);
const startPercent: Number = ({ record: { program, rounds } }) =>
  program.startNs === null ? [] : [(100 * program.startNs) / median(rounds.map(({ peer }) => peer.wallNs))];

function startLines(measured: readonly Measured[]): string[] {
  const sizes = byGroup(measured, (rows) => {
    const ms = rangeText(rows.flatMap(startMs), 1);
    return ms === null ? null : `${ms} ms, ${rangeText(rows.flatMap(startPercent), 2)} % of a run`;
  });
  return sizes === ''
    ? []
    : [`a start of C, with one transfer, is in its time; ours is warm when its window begins (${sizes})`];
}

/** Of each strategy, the median share of our CPU time that neither half took. */
const helperPercent: Number = ({ record: { ours, rounds } }) =>
  Object.keys(ours).flatMap((strategy) => {
    const shares = rounds.flatMap((round) =>
      round.ours.flatMap(({ strategy: of, helperCpuNs, cpuUserNs, cpuSystemNs }) =>
        of === strategy && helperCpuNs !== null && cpuUserNs + cpuSystemNs > 0
          ? [(100 * helperCpuNs) / (cpuUserNs + cpuSystemNs)]
          : [],
      ),
    );
    return shares.length === 0 ? [] : [median(shares)];
  });

function helperLines(measured: readonly Measured[]): string[] {
  const sizes = byGroup(measured, (rows) => {
    const percent = rangeText(rows.flatMap(helperPercent), 1);
    return percent === null ? null : `${percent} % of its CPU time`;
  });
  return sizes === ''
    ? []
    : [`ours has helper threads (compiler, garbage collector), which may use another CPU in same, too (${sizes})`];
}

/** How many times as fast as one by one ours is by default, in the same rounds. */
const plainGain: Number = ({ record: { rounds } }) => {
  const gains = rounds.flatMap((round) => {
    const run = (name: string) => round.ours.find((each) => each.strategy === name && each.ratio !== null);
    const [byDefault, plain] = [run('default'), run('plain')];
    return byDefault === undefined || plain === undefined
      ? []
      : [byDefault.transfersPerSecond / plain.transfersPerSecond];
  });
  return gains.length === 0 ? [] : [median(gains)];
};

function plainLines(measured: readonly Measured[]): string[] {
  const sizes = byGroup(measured, (rows) => {
    const gain = rangeText(rows.flatMap(plainGain), 2);
    return gain === null ? null : `${gain} times`;
  });
  return sizes === ''
    ? []
    : [
        `ours publishes in batches and looks before it asks, which C does not; plain does neither (default / plain, ${sizes})`,
      ];
}
