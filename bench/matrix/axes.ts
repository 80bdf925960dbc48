/** The axes of a sweep: every option of `run` that says what is measured can be listed; the cells are all combinations. */
import { UsageError } from '../command-line/option-values.ts';
import { JS_BY_DEFAULT } from '../config.ts';
import { configKey, type RunConfig } from '../records/record.ts';
import { CombinationError, type OptionName, parseRunOptions, RUN_AXES } from '../run/options.ts';

/** One option with the values that it is swept over, as they were given. */
export interface Axis {
  name: OptionName;
  values: readonly string[];
}

/** An axis with its place among all, where a cell has its value. */
export type PlacedAxis = Axis & { place: number };

export const placed = (axes: readonly Axis[]): PlacedAxis[] => axes.map((axis, place) => ({ ...axis, place }));

/** Those with several values. */
export const varied = (axes: readonly Axis[]): PlacedAxis[] => placed(axes).filter(({ values }) => values.length > 1);

/** One configuration of a sweep. */
export interface Cell {
  /** Its value on each axis, in the axes' order. */
  values: readonly string[];
  config: RunConfig;
}

export interface Cells {
  cells: Cell[];
  /** Combinations that cannot run, counted by why. */
  leftOut: Map<string, number>;
}

/** What a flag of `run` is swept over. */
const FLAG_VALUES = ['on', 'off'];

/** The values of one axis out of its comma-separated list. @throws UsageError */
export function axisOf(name: OptionName, list: string): Axis {
  const parts = list.split(',').map((part) => part.trim());
  const values = name === 'cpus' ? joinCpuPairs(parts) : parts;
  if (values.some((value) => value === '')) throw new UsageError(`--${name} wants a list like A,B, not '${list}'`);
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice !== undefined) throw new UsageError(`--${name} lists ${twice} twice`);
  for (const value of values) checkValue(name, value);
  return { name, values };
}

/** Two CPU numbers in a row are one value, `0,1`; so are those of several pairs, `0,1/2,3`. */
function joinCpuPairs(parts: readonly string[]): string[] {
  const values: string[] = [];
  for (const part of parts) {
    const last = values.at(-1) ?? '';
    const begun = /(^|\/)\d+$/.test(last) && /^\d+(\/\d+)?$/.test(part);
    if (begun) values[values.length - 1] = `${last},${part}`;
    else values.push(part);
  }
  return values;
}

/** A value that is wrong by itself is a mistake; one that is only wrong with others is left to the combinations. */
function checkValue(name: OptionName, value: string): void {
  if (RUN_AXES[name] === 'flag') {
    if (!FLAG_VALUES.includes(value)) throw new UsageError(`--${name} wants a list of on, off, not '${value}'`);
    return;
  }
  try {
    parseRunOptions(['--parallel', ...argumentOf(name, value)]);
  } catch (error) {
    if (!(error instanceof CombinationError)) throw error;
  }
}

/** One value as `run` takes it. */
export function argumentOf(name: OptionName, value: string): string[] {
  if (RUN_AXES[name] !== 'flag') return [`--${name}=${value}`];
  return value === 'on' ? [`--${name}`] : [];
}

/** Why a sweep goes without a combination that could run; null: it does not. */
export type PassedOver = (config: RunConfig) => string | null;

/** Every combination of the axes' values; `fixed` are arguments of `run` that all share. @throws UsageError */
export function cellsOf(axes: readonly Axis[], fixed: readonly string[], passedOver: PassedOver = () => null): Cells {
  const cells: Cell[] = [];
  const leftOut = new Map<string, number>();
  const had = new Map<string, readonly string[]>();
  const engine = engineOf(axes);
  for (const values of combinations(axes)) {
    const args = axes.flatMap(({ name }, i) => argumentOf(name, values[i]!));
    try {
      const { config } = parseRunOptions(['--parallel', ...engine, ...args, ...fixed]);
      const why = passedOver(config);
      if (why !== null) throw new CombinationError(why);
      const same = had.get(configKey(config));
      if (same !== undefined) throw sameError(axes, same, values);
      had.set(configKey(config), values);
      cells.push({ values, config });
    } catch (error) {
      if (!(error instanceof CombinationError)) throw error;
      leftOut.set(error.message, (leftOut.get(error.message) ?? 0) + 1);
    }
  }
  if (cells.length === 0) throw new UsageError([...leftOut.keys()][0]!);
  return { cells, leftOut };
}

/** What all cells have besides the axes: a flag that is swept must not change the engine from cell to cell. */
export const engineOf = (axes: readonly Axis[]): string[] =>
  axes.some(({ name }) => JS_BY_DEFAULT.some((other) => other === name)) && !axes.some(({ name }) => name === 'engine')
    ? ['--engine=js']
    : [];

/** Two spellings of one value, `1000` and `1k`: their records could not be told apart. */
function sameError(axes: readonly Axis[], one: readonly string[], other: readonly string[]): UsageError {
  const place = one.findIndex((value, i) => value !== other[i]);
  return new UsageError(`--${axes[place]!.name} lists ${one[place]} and ${other[place]}, which are the same`);
}

function combinations(axes: readonly Axis[]): string[][] {
  return axes.reduce<string[][]>(
    (before, { values }) => before.flatMap((chosen) => values.map((value) => [...chosen, value])),
    [[]],
  );
}
