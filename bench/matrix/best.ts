/**
 * The line that ends a sweep: the best sound strategy against the default one, if it is told from that. A strategy is
 * what a program can choose (ordering, doorbell, features, knobs); the other axes are conditions, over all of which
 * strategies are compared. The interval allows for the choice: the fastest of many is also the luckiest.
 */

import { LAYOUTS } from '../axes/layouts.ts';
import { isStrategy } from '../run/options.ts';
import { type Difference, manyToOne } from '../statistics/many-to-one.ts';
import { mean } from '../statistics/sample.ts';
import { type Axis, type Cell, placed } from './axes.ts';
import { defaultAmong, named } from './default-strategy.ts';
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

  const nameOf = ({ values }: Cell) => chosen.map(({ name, place }) => named(name, values[place]!)).join(' ');
  const candidates = new Map<string, Candidate>();
  for (const cell of compared) {
    const { values, config, figures } = cell;
    const name = nameOf(cell);
    const candidate = candidates.get(name) ?? { name, sound: config.orderingSound, whole: true, speeds: new Map() };
    const condition = conditions.map(({ place }) => values[place]).join(' ');
    for (const [repetition, speed] of figures.speeds) candidate.speeds.set(`${condition}#${repetition}`, speed);
    candidate.whole &&= !figures.failed;
    candidates.set(name, candidate);
  }

  const { text, missing } = defaultAmong(axes, chosen, compared);
  const base = candidates.get(text);
  if (base === undefined) return `not compared with the default: ${text} is not among the cells`;
  const isDefault = missing.length === 0;
  const baseName = isDefault ? `the default (${text})` : text;
  const without = isDefault ? '' : `; the default (${missing.join(' ')}) is not among the cells`;
  if (!base.whole)
    return `not compared with ${isDefault ? `the default: ${text}` : `${text}: it`} did not end well in every cell${without}`;
  const others = [...candidates.values()].filter(
    ({ name, sound, whole, speeds }) =>
      sound && whole && name !== text && [...base.speeds.keys()].every((key) => speeds.has(key)),
  );
  if (others.length === 0 && !base.sound)
    return 'no sound strategies were compared: their ordering is not guaranteed by the language';
  const over = conditions.length === 0 ? '' : `, over all ${conditions.map(({ name }) => name).join(' × ')}`;
  return `${verdict(others, { ...base, name: baseName })}${over}${without}`;
}

/** What the rounds tell of the others against the base: the best of them only if it is told from it. */
function verdict(others: readonly Candidate[], base: Candidate): string {
  const rounds = others.map(({ speeds }) => logRatios(speeds, base.speeds));
  const repetitions = rounds[0]?.length ?? 0;
  if (repetitions === 0) return `no strategy was compared with ${base.name}`;
  if (repetitions === 1) return `no strategy is named: one repetition tells of no scatter (--repeat ${REPEAT_ENOUGH})`;
  const { differences, roundsNeeded } = manyToOne(rounds);
  const best = differences.reduce((first, { mean }, i) => (mean > differences[first]!.mean ? i : first), 0);
  const { mean, low, high } = differences[best]!;
  const { name } = others[best]!;
  if (mean <= 0) return `no strategy was faster than ${base.name}`;
  const times = `${factor(mean, high - low)} (${factor(low, high - low)} – ${factor(high, high - low)}) times`;
  if (low > 0) return `best sound strategy: ${name}, ${times} ${base.name}${alike(differences, best)}`;
  const needed = roundsNeeded(best);
  const more = needed > REPEAT_MAX ? `more than ${REPEAT_MAX}` : `some ${needed}`;
  return `no strategy is told from ${base.name}: ${name}, the fastest, is ${times} as fast; to tell, --repeat takes ${more}`;
}

/** Those that may be as fast as the best one: their interval reaches its mean. */
function alike(differences: readonly Difference[], best: number): string {
  const { mean } = differences[best]!;
  const count = differences.filter(({ high }, i) => i !== best && high >= mean).length;
  return count === 0 ? '' : `; ${count} ${count === 1 ? 'other is' : 'others are'} not told from it`;
}

/** Repetitions with which a difference worth naming is seen on a quiet machine; and more than are ever made. */
const REPEAT_ENOUGH = 5;
const REPEAT_MAX = 1000;

/** A factor with decimals as its interval is wide. */
const factor = (log: number, width: number) => Math.exp(log).toFixed(width < 0.1 ? 3 : 2);

/**
 * How many times as fast in each round, as a logarithm: the mean over all conditions, which were measured close to each
 * other.
 */
function logRatios(speeds: ReadonlyMap<string, number>, base: ReadonlyMap<string, number>): number[] {
  const logs = new Map<string, number[]>();
  for (const [key, speed] of base) {
    const round = key.slice(key.lastIndexOf('#'));
    logs.set(round, [...(logs.get(round) ?? []), Math.log(speeds.get(key)! / speed)]);
  }
  return [...logs.values()].map(mean);
}
