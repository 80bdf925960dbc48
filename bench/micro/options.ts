/** The command line of `micro`: its table of options, what it means, and the help text. */
import { ORDERINGS, type OrderingName } from '../../src/ordering/index.ts';
import { flag, type OptionTable, optionLines, readArguments } from '../command-line/option-table.ts';
import { choicesOf, countOf } from '../command-line/option-values.ts';
import { MACHINE_OPTION, machineOf } from '../records/machine-name.ts';
import { BENCHES, type BenchName } from './benches/index.ts';

const TIME_MS_MAX = 60_000;

type OptionName = 'only' | 'ordering' | 'time' | 'machine' | 'json';

export const MICRO_OPTIONS: OptionTable<OptionName> = {
  only: { value: 'NAME,NAME', summary: 'these benches; default: all', choices: BENCHES },
  ordering: { value: 'NAME,NAME', summary: 'these orderings; default: all', choices: ORDERINGS },
  time: { value: 'MS', summary: 'measured time of each cell, milliseconds; half as much warm-up', byDefault: '200' },
  machine: MACHINE_OPTION,
  json: flag('print one JSON document on standard output; the rest goes to standard error'),
  help: flag('this text; -h too'),
};

export interface MicroOptions {
  benches: BenchName[];
  orderings: OrderingName[];
  timeMs: number;
  /** What the machine is called; null: by what it is. */
  machine: string | null;
  json: boolean;
  help: boolean;
}

/** @throws UsageError naming the argument. */
export function parseMicroOptions(args: readonly string[]): MicroOptions {
  const given = readArguments(MICRO_OPTIONS, args);
  const chosen = <Name extends string>(option: OptionName, table: Record<Name, unknown>) =>
    choicesOf(`--${option}`, given.get(option) ?? Object.keys(table).join(','), table);
  return {
    benches: chosen('only', BENCHES),
    orderings: chosen('ordering', ORDERINGS),
    timeMs: countOf('--time', given.get('time') ?? MICRO_OPTIONS.time.byDefault!, 1, TIME_MS_MAX),
    machine: machineOf(given),
    json: given.has('json'),
    help: given.has('help'),
  };
}

export function microHelp(): string {
  return `vringbench micro: what single operations of the ring cost, in nanoseconds

  npm run micro -- [options]        or: vringbench micro [options]

Each bench runs for each ordering that concerns it, in a fresh thread, pinned to
the first allowed CPU (the thread that is woken to the last). Nothing is
subtracted: 'empty' is what a loop alone costs, as each figure has one. Every sample
is checked after it was taken.

${optionLines(MICRO_OPTIONS)}

Examples
  npm run micro
  npm run micro -- --only load,store,fence --ordering seqcst,wasm
  npm run micro -- --only notify-with-waiter --time 2000
  npm run --silent micro -- --json

Exit codes
  0 done   1 a check or a cell failed   2 usage`;
}
