/** A strategy of ours, as options of `run`: what a program can choose, and nothing that would change what is compared. */
import { type OptionTable, readArguments } from '../../bench/command-line/option-table.ts';
import { UsageError } from '../../bench/command-line/option-values.ts';
import { parseRunOptions, RUN_OPTIONS } from '../../bench/run/options.ts';

const { engine, ordering, doorbell, batch, outstanding, help } = RUN_OPTIONS;
type Name =
  | 'engine'
  | 'ordering'
  | 'doorbell'
  | 'loop'
  | 'spin-us'
  | 'look-us'
  | 'batch'
  | 'outstanding'
  | 'delayed-interrupt'
  | 'complete-batch';
const OPTIONS: OptionTable<Name> = {
  engine,
  ordering,
  doorbell,
  loop: RUN_OPTIONS.loop,
  'spin-us': RUN_OPTIONS['spin-us'],
  'look-us': RUN_OPTIONS['look-us'],
  batch,
  outstanding,
  'delayed-interrupt': RUN_OPTIONS['delayed-interrupt'],
  'complete-batch': RUN_OPTIONS['complete-batch'],
  help,
};

/** The words of `text`, checked. @throws UsageError naming `argument` where it is no sound strategy */
export function parseStrategy(argument: string, text: string): string[] {
  const words = text.split(/\s+/).filter((word) => word !== '');
  try {
    if (readArguments(OPTIONS, words).has('help')) throw new UsageError('it takes strategies, not --help');
    const { config } = parseRunOptions([...words, '--parallel']);
    if (!config.orderingSound) throw new UsageError(`--ordering ${config.ordering} is not guaranteed by the language`);
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`${argument}: ${error.message}`) : error;
  }
  return words;
}
