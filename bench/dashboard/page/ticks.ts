/** What stands at an axis: where its ticks are, and texts that tell them apart and say what they are. Pure. */

/** Cuts what adding steps leaves behind the last digit that counts: 0.30000000000000004. */
const DIGITS_MAX = 12;
const exact = (value: number) => Number(value.toPrecision(DIGITS_MAX));

const LETTERS: readonly [size: number, letter: string][] = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];
/** Below it all digits of a number are shorter than a letter is clear. */
const LETTERS_FROM = 1e4;
/** Smaller numbers have more zeros than the eye can count. */
const SMALL = 1e-4;
/** An axis that ends below it has no tick worth writing in full. */
const SMALL_AXIS = 1e-3;

const plain = (value: number) => exact(value).toLocaleString('en-US', { maximumFractionDigits: DIGITS_MAX });

/** Numbers without a unit, or with one that stands elsewhere: `0.5`, `1e-7`, `250k`, `1.5M`. */
export function numberTicks(values: readonly number[]): string[] {
  const most = values.reduce((greatest, value) => Math.max(greatest, Math.abs(value)), 0);
  return values.map((value) => {
    if (value === 0) return '0';
    const size = Math.abs(value);
    if (most < SMALL_AXIS || size < SMALL) return exact(value).toExponential();
    const [by, letter] = most < LETTERS_FROM ? [1, ''] : (LETTERS.find(([least]) => size >= least) ?? [1, '']);
    return `${plain(value / by)}${letter}`;
  });
}

const TIMES: readonly [ns: number, unit: string][] = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'µs'],
  [1, 'ns'],
];

/** Times in nanoseconds, each with the unit that it is read in: `250 ns`, `10 ms`. */
export function timeTicks(valuesNs: readonly number[]): string[] {
  return valuesNs.map((ns) => {
    if (ns === 0) return '0';
    const [by, unit] = TIMES.find(([least]) => Math.abs(ns) >= least) ?? TIMES.at(-1)!;
    return `${plain(ns / by)} ${unit}`;
  });
}

/** Nanoseconds of the units that metrics have. */
const NS_OF: Record<string, number> = { ns: 1, µs: 1000 };

/** True for units that the ticks of an axis say themselves. */
export const isTime = (unit: string) => unit in NS_OF;

/** The ticks of an axis whose values are in `unit`. */
export const ticksIn =
  (unit: string) =>
  (values: readonly number[]): string[] =>
    isTime(unit) ? timeTicks(values.map((value) => exact(value * NS_OF[unit]!))) : numberTicks(values);

const K = 1024;
const BYTES: readonly [size: number, letter: string][] = [
  [K ** 3, 'G'],
  [K ** 2, 'M'],
  [K, 'k'],
];

/** Sizes as they are given on the command line: a letter is a power of 1024. */
export const sizeTicks = (values: readonly number[]): string[] =>
  values.map((bytes) => {
    const [by, letter] = BYTES.find(([size]) => bytes >= size && bytes % size === 0) ?? [1, ''];
    return `${(bytes / by).toLocaleString('en-US')}${letter}`;
  });

const ONLY_POWERS = [1];
const POWERS_AND_HALVES = [1, 2, 5];

/**
 * Where a logarithmic axis has its ticks: at the powers of ten, at twice and five times these where all fit, and at
 * every second, third … power where the powers do not.
 */
export function logTicks(from: number, to: number, fitting: number): number[] {
  const [first, last] = [Math.round(Math.log10(from)), Math.round(Math.log10(to))];
  const decades = last - first;
  const factors = decades * POWERS_AND_HALVES.length < fitting ? POWERS_AND_HALVES : ONLY_POWERS;
  const step = Math.max(1, Math.ceil(decades / Math.max(1, fitting - 1)));
  const ticks: number[] = [];
  for (let power = first; power <= last; power += step)
    for (const factor of power === last ? ONLY_POWERS : factors) ticks.push(Number(`${factor}e${power}`));
  return ticks;
}
