/**
 * The strategy that the others of a sweep are compared with: that of `run` where no strategy is given. A sweep may have
 * no cell of it, for its axes, or for what all of its cells have: then that is named.
 */
import { type FieldName, FOLLOWING } from '../config.ts';
import type { RunConfig } from '../records/record.ts';
import { fieldOf, valueIn } from '../run/configuration-line.ts';
import { isStrategy, type OptionName, parseRunOptions, RUN_OPTIONS, STRATEGIES } from '../run/options.ts';
import { greatest } from '../statistics/sample.ts';
import { type Axis, argumentOf, type Cell, engineOf, type PlacedAxis, placed } from './axes.ts';

export interface DefaultStrategy {
  /** The name among the sweep's strategies of the one nearest to the default; the default's own where none is near. */
  text: string;
  /** What the default has and the cells of that name have not: empty where they are the default. */
  missing: string[];
}

/** @param chosen the axes that strategies differ by. */
export function defaultAmong(
  axes: readonly Axis[],
  chosen: readonly PlacedAxis[],
  cells: readonly Cell[],
): DefaultStrategy {
  // What all cells have is no choice between them.
  const nearest = underConditions(axes, cells[0]!, engineOf(axes));
  const values = chosen.map((axis) => defaultOf(axis, nearest, cells));
  const bases = cells.filter((cell) => chosen.every(({ place }, i) => cell.values[place] === values[i]));
  const unlikeDefault = (cell: Cell) => {
    const real = underConditions(axes, cell, []);
    return STRATEGIES.filter((name) => differs(name, cell.config, real)).map((name) =>
      named(name, valueIn(real, name)),
    );
  };
  if (bases.length > 0)
    return {
      text: chosen.map(({ name }, i) => named(name, values[i]!)).join(' '),
      missing: [...new Set(bases.flatMap(unlikeDefault))],
    };
  const real = underConditions(axes, cells[0]!, []);
  const names = STRATEGIES.flatMap((name) => {
    const axis = chosen.find((one) => one.name === name);
    if (axis !== undefined) return [named(name, defaultOf(axis, real, cells))];
    return cells.every(({ config }) => differs(name, config, real)) ? [named(name, valueIn(real, name))] : [];
  });
  return { text: names.join(' '), missing: [] };
}

/** `run` where the conditions of this cell are given, and no strategy. */
function underConditions(axes: readonly Axis[], { values }: Cell, engine: readonly string[]): RunConfig {
  const conditions = placed(axes).filter(({ name }) => !isStrategy(name));
  const args = conditions.flatMap(({ name, place }) => argumentOf(name, values[place]!));
  return parseRunOptions(['--parallel', ...engine, ...args]).config;
}

/** More outstanding than the ring has descriptors are no more. */
const outstanding = (config: RunConfig) => Math.min(config.outstanding, config.ringSize);

const unlike = (name: OptionName, one: RunConfig, other: RunConfig) =>
  name === 'outstanding' ? outstanding(one) !== outstanding(other) : one[fieldOf(name)] !== other[fieldOf(name)];

/** It is another, and not because it follows one that is. */
function differs(name: OptionName, one: RunConfig, other: RunConfig): boolean {
  const field = fieldOf(name);
  const follows = FOLLOWING[field as FieldName];
  return unlike(name, one, other) && (follows === undefined || one[field] !== follows.value(one));
}

/** The axis's value, as it is written there, that the configuration has; as the help has it if none is. */
function defaultOf({ name, place }: PlacedAxis, nearest: RunConfig, cells: readonly Cell[]): string {
  if (name === 'outstanding') {
    // Not given, it is as many as the ring has.
    const ring = greatest(cells.map(({ config }) => config.ringSize));
    const unbound = cells.filter(({ config }) => config.outstanding >= ring);
    const least = unbound.sort((a, b) => a.config.outstanding - b.config.outstanding)[0];
    return least?.values[place] ?? String(ring);
  }
  return cells.find(({ config }) => !unlike(name, config, nearest))?.values[place] ?? valueIn(nearest, name);
}

/** Names that only one option has speak for themselves. */
export function named(name: OptionName, value: string): string {
  const having = Object.values(RUN_OPTIONS).filter(({ choices = {} }: { choices?: object }) =>
    Object.hasOwn(choices, value),
  );
  const { choices }: { choices?: object } = RUN_OPTIONS[name];
  return choices !== undefined && having.length === 1 ? value : `${name}=${value}`;
}
