/**
 * The line that ends a sweep: the best sound strategy against the default one. A strategy is what a program can choose
 * (ordering, doorbell, features, knobs); the other axes are conditions, over all of which strategies are compared.
 */
import type { OptionName } from '../options.ts';
import { parseRunOptions, RUN_OPTIONS } from '../options.ts';
import { LAYOUTS } from '../pair/layouts.ts';
import { median } from '../report.ts';
import type { Axis, Cell } from './axes.ts';
import type { Figures } from './figures.ts';

const STRATEGY: readonly OptionName[] = [
  'indirect',
  'eventidx',
  'virtio-1',
  'ordering',
  'doorbell',
  'spin-us',
  'batch',
  'outstanding',
  'delayed-interrupt',
];

/** The value that an axis has when it is not given; for `outstanding` that depends on the ring. */
function defaultOf(name: OptionName): string {
  if (name === 'outstanding') return String(parseRunOptions(['--parallel']).config.outstanding);
  const option: { value: string | null; byDefault?: string } = RUN_OPTIONS[name];
  return option.value === null ? 'off' : (option.byDefault ?? '');
}

interface Candidate {
  name: string;
  sound: boolean;
  /** Speeds of one repetition of one condition, by `condition#repetition`; only of cells that ended well. */
  speeds: Map<string, number>;
}

/** One decimal, or two where the scatter is as small. */
const shown = (value: number, scatter: number) => value.toFixed(scatter < 0.05 ? 2 : 1);

export function bestLine(axes: readonly Axis[], cells: readonly Cell[], figures: readonly Figures[]): string {
  const varied = axes.map((axis, place) => ({ ...axis, place })).filter(({ values }) => values.length > 1);
  const chosen = varied.filter(({ name }) => STRATEGY.includes(name));
  if (chosen.length === 0) return 'no strategies were compared: of these axes a program can choose none';
  if (cells.some(({ config }) => config.rate > 0))
    return 'no strategies were compared: at a fixed rate they differ in latency, not in speed';
  const nameOf = (values: readonly string[]) => chosen.map(({ name, place }) => named(name, values[place]!)).join(' ');
  const conditionOf = (values: readonly string[]) =>
    varied.flatMap(({ name, place }) => (STRATEGY.includes(name) ? [] : [values[place]!])).join(' ');

  const candidates = new Map<string, Candidate>();
  cells.forEach(({ values, config }, i) => {
    if (!LAYOUTS[config.layout].carries || figures[i]!.failed) return;
    const name = nameOf(values);
    const candidate = candidates.get(name) ?? { name, sound: config.orderingSound, speeds: new Map() };
    for (const [repetition, speed] of figures[i]!.speeds)
      candidate.speeds.set(`${conditionOf(values)}#${repetition}`, speed);
    candidates.set(name, candidate);
  });

  const defaults = chosen.map(({ name }) => named(name, defaultOf(name))).join(' ');
  const base = candidates.get(defaults);
  if (base === undefined) return `not compared with the default: ${defaults} is not among the cells that ended well`;
  const compared = [...candidates.values()]
    .filter(({ sound, speeds }) => sound && [...base.speeds.keys()].every((key) => speeds.has(key)))
    .map(({ name, speeds }) => ({ name, ...ratio(speeds, base.speeds) }))
    .sort((a, b) => b.middle - a.middle);
  const { name, middle, scatter } = compared[0]!;
  const conditions = varied.filter((axis) => !STRATEGY.includes(axis.name)).map((axis) => axis.name);
  const over = conditions.length === 0 ? '' : `, over all ${conditions.join(' × ')}`;
  if (name === defaults) return `best sound strategy: the default (${defaults})${over}`;
  const by = scatter === null ? shown(middle, 1) : `${shown(middle, scatter)} ± ${shown(scatter, scatter)}`;
  return `best sound strategy: ${name}, ${by} times the default (${defaults})${over}`;
}

const named = (name: OptionName, value: string) => (value === 'on' || value === 'off' ? `${name}=${value}` : value);

/**
 * How many times as fast, over all conditions: the median of the rounds, and their standard deviation, null for one.
 * A round's ratio is the geometric mean over its conditions, which were measured close to each other.
 */
function ratio(speeds: ReadonlyMap<string, number>, base: ReadonlyMap<string, number>) {
  const logs = new Map<string, number[]>();
  for (const [key, speed] of base) {
    const round = key.slice(key.lastIndexOf('#'));
    logs.set(round, [...(logs.get(round) ?? []), Math.log(speeds.get(key)! / speed)]);
  }
  const rounds = [...logs.values()].map((of) => Math.exp(of.reduce((sum, log) => sum + log, 0) / of.length));
  const mean = rounds.reduce((sum, value) => sum + value, 0) / rounds.length;
  const variance = rounds.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (rounds.length - 1);
  return { middle: median(rounds), scatter: rounds.length === 1 ? null : Math.sqrt(variance) };
}
