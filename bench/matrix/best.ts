/**
 * The line that ends a sweep: the best sound strategy against the default one. A strategy is what a program can choose
 * (ordering, doorbell, features, knobs); the other axes are conditions, over all of which strategies are compared.
 */

import { LAYOUTS } from '../pair/layouts.ts';
import { configKey } from '../records/record.ts';
import { isStrategy, type OptionName, parseRunOptions, RUN_OPTIONS } from '../run/options.ts';
import { median, standardDeviation } from '../statistics/sample.ts';
import { type Axis, argumentOf, type Cell, engineOf, type PlacedAxis, placed } from './axes.ts';
import type { Figures } from './figures.ts';

interface Candidate {
  name: string;
  sound: boolean;
  /** All its cells ended well. */
  whole: boolean;
  /** Speeds of one repetition of one condition, by `condition#repetition`. */
  speeds: Map<string, number>;
}

export function bestLine(axes: readonly Axis[], cells: readonly Cell[], figures: readonly Figures[]): string {
  const compared = cells
    .map((cell, i) => ({ ...cell, figures: figures[i]! }))
    .filter(({ config }) => LAYOUTS[config.layout].carries);
  const varied = placed(axes).filter(({ place }) => new Set(compared.map(({ values }) => values[place])).size > 1);
  const chosen = varied.filter(({ name }) => isStrategy(name));
  const conditions = varied.filter(({ name }) => !isStrategy(name));
  if (chosen.length === 0) return 'no strategies were compared: of these axes a program can choose none';
  if (cells.some(({ config }) => config.rate > 0))
    return 'no strategies were compared: at a fixed rate they differ in latency, not in speed';

  const candidates = new Map<string, Candidate>();
  for (const { values, config, figures } of compared) {
    const name = chosen.map((axis) => named(axis.name, values[axis.place]!)).join(' ');
    const candidate = candidates.get(name) ?? { name, sound: config.orderingSound, whole: true, speeds: new Map() };
    const condition = conditions.map(({ place }) => values[place]).join(' ');
    for (const [repetition, speed] of figures.speeds) candidate.speeds.set(`${condition}#${repetition}`, speed);
    candidate.whole &&= !figures.failed;
    candidates.set(name, candidate);
  }

  const defaults = chosen.map((axis) => named(axis.name, defaultOf(axis, compared))).join(' ');
  const base = candidates.get(defaults);
  if (base === undefined) return `not compared with the default: ${defaults} is not among the cells`;
  if (!base.whole) return `not compared with the default: ${defaults} did not end well in every cell`;
  const [best] = [...candidates.values()]
    .filter(({ sound, whole, speeds }) => sound && whole && [...base.speeds.keys()].every((key) => speeds.has(key)))
    .map(({ name, speeds }) => ({ name, ...ratio(speeds, base.speeds) }))
    .sort((a, b) => b.middle - a.middle || Number(b.name === defaults) - Number(a.name === defaults));
  if (best === undefined) return 'no sound strategies were compared: their ordering is not guaranteed by the language';
  const over = conditions.length === 0 ? '' : `, over all ${conditions.map(({ name }) => name).join(' × ')}`;
  if (best.name === defaults) return `best sound strategy: the default (${defaults})${over}`;
  return `best sound strategy: ${best.name}, ${timesOf(best)} the default (${defaults})${over}${doubtOf(best)}`;
}

/** Values that are names speak for themselves. */
function named(name: OptionName, value: string): string {
  const option: { choices?: unknown } = RUN_OPTIONS[name];
  return option.choices === undefined ? `${name}=${value}` : value;
}

/** The axis's value, as it is written there, that an option has which is not given; as the help has it if none is. */
function defaultOf(axis: PlacedAxis, cells: readonly Cell[]): string {
  const { name, values, place } = axis;
  if (name === 'outstanding') {
    // Not given, it is as many as the ring has.
    const ring = Math.max(...cells.map(({ config }) => config.ringSize));
    const unbound = cells.filter(({ config }) => config.outstanding >= ring);
    const least = unbound.sort((a, b) => a.config.outstanding - b.config.outstanding)[0];
    return least?.values[place] ?? String(ring);
  }
  const keyOf = (args: readonly string[]) =>
    configKey(parseRunOptions(['--parallel', ...engineOf([axis]), ...args]).config);
  const option: { byDefault?: string } = RUN_OPTIONS[name];
  return values.find((value) => keyOf(argumentOf(name, value)) === keyOf([])) ?? option.byDefault ?? 'off';
}

interface Ratio {
  middle: number;
  /** Standard deviation of the rounds; null for one. */
  scatter: number | null;
}

/**
 * How many times as fast, over all conditions: the median of the rounds. A round's ratio is the geometric mean over its
 * conditions, which were measured close to each other.
 */
function ratio(speeds: ReadonlyMap<string, number>, base: ReadonlyMap<string, number>): Ratio {
  const logs = new Map<string, number[]>();
  for (const [key, speed] of base) {
    const round = key.slice(key.lastIndexOf('#'));
    logs.set(round, [...(logs.get(round) ?? []), Math.log(speeds.get(key)! / speed)]);
  }
  const rounds = [...logs.values()].map((of) => Math.exp(of.reduce((sum, log) => sum + log, 0) / of.length));
  return { middle: median(rounds), scatter: rounds.length === 1 ? null : standardDeviation(rounds) };
}

/** Like `1.8 ± 0.1 times`; with two decimals where the scatter is as small. */
function timesOf({ middle, scatter }: Ratio): string {
  if (scatter === null) return `${middle.toFixed(1)} times`;
  const decimals = scatter < 0.05 ? 2 : 1;
  return `${middle.toFixed(decimals)} ± ${scatter.toFixed(decimals)} times`;
}

function doubtOf({ middle, scatter }: Ratio): string {
  if (scatter === null) return '; one repetition tells of no scatter';
  return middle - scatter <= 1 ? '; no more than the scatter' : '';
}
