/**
 * A command line out of a table of options: one reader and one help text for every command, so that all of them name
 * the wrong argument in the same words. Main thread.
 */
import { parseArgs } from 'node:util';
import { type Choice, nearest, UsageError } from './option-values.ts';

export interface Option {
  /** What stands for its value in the help; null: a flag. */
  value: string | null;
  summary: string;
  /** Shown in the help. */
  byDefault?: string;
  /** What it means when it is given without a value. */
  implied?: string;
  choices?: Choice;
}

/** An option by its long name. Every table has `help`, which `-h` stands for, too. */
export type OptionTable<Name extends string> = Readonly<Record<Name | 'help', Option>>;

export const flag = (summary: string): Option => ({ value: null, summary });

/** `--name` as `--name=implied` where it has such a value and none of its own follows. */
function withImplied(table: OptionTable<string>, args: readonly string[]): string[] {
  const end = args.indexOf('--');
  return args.map((argument, i) => {
    if (end !== -1 && i >= end) return argument;
    const name = argument.slice(2);
    const implied = argument.startsWith('--') && Object.hasOwn(table, name) ? table[name]?.implied : undefined;
    const alone = args[i + 1] === undefined || args[i + 1]!.startsWith('-');
    return implied !== undefined && alone ? `${argument}=${implied}` : argument;
  });
}

/** What was given: option → text (flags: ''). */
export type GivenOptions<Name extends string> = Map<Name | 'help', string>;

/** The same of a command that takes other arguments, too: files, names; in their order, and all that follow `--`. */
export interface GivenArguments<Name extends string> {
  options: GivenOptions<Name>;
  positionals: string[];
}

/**
 * The arguments by the table; those that are no options only with `positionals`, else they are a mistake.
 * @throws UsageError naming the argument.
 */
export function readArguments<Name extends string>(
  table: OptionTable<Name>,
  args: readonly string[],
): GivenOptions<Name>;
export function readArguments<Name extends string>(
  table: OptionTable<Name>,
  args: readonly string[],
  how: { positionals: true },
): GivenArguments<Name>;
export function readArguments<Name extends string>(
  table: OptionTable<Name>,
  args: readonly string[],
  how?: { positionals: true },
): GivenOptions<Name> | GivenArguments<Name> {
  const known = Object.keys(table) as Name[];
  const options = Object.fromEntries(
    known.map((name) => [name, { type: table[name].value === null ? 'boolean' : 'string' } as const]),
  );
  const { tokens } = parseArgs({ args: withImplied(table, args), options, strict: false, tokens: true });
  const given: GivenOptions<Name> = new Map();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind !== 'option') {
      const value = token.kind === 'positional' ? token.value : '--';
      if (how === undefined) throw new UsageError(`unexpected argument '${value}'`);
      if (token.kind === 'positional') positionals.push(value);
      continue;
    }
    const name = (token.rawName === '-h' ? 'help' : token.name) as Name;
    const option = Object.hasOwn(table, name) ? table[name] : undefined;
    if (option === undefined || (name !== 'help' && !token.rawName.startsWith('--')))
      throw new UsageError(
        `unknown argument '${token.rawName}'${nearest(
          `--${token.name}`,
          known.map((n) => `--${n}`),
        )}`,
      );
    if (given.has(name)) throw new UsageError(`--${name} is given twice`);
    if (option.value === null && token.value !== undefined) throw new UsageError(`--${name} takes no value`);
    if (option.value !== null && (!token.value || (token.value.startsWith('--') && !token.inlineValue)))
      throw new UsageError(`--${name} wants a value: ${option.value}`);
    given.set(name, token.value ?? '');
  }
  return how === undefined ? given : { options: given, positionals };
}

/** The options part of a help text: a line an option, a line a choice below it. */
export function optionLines(table: OptionTable<string>): string {
  const lines: string[] = [];
  for (const [name, { value, summary, byDefault, implied, choices = {} }] of Object.entries(table)) {
    const shown = implied === undefined ? value : `[${value}]`;
    const left = `  --${name}${shown === null ? '' : ` ${shown}`}`;
    lines.push(`${left.padEnd(22)} ${summary}${byDefault ? ` (${byDefault})` : ''}`);
    const width = Object.keys(choices).reduce((most, { length }) => Math.max(most, length), 10);
    for (const [chosen, { summary: what }] of Object.entries(choices))
      lines.push(`${''.padEnd(24)} ${chosen.padEnd(width)} ${what}`);
  }
  return lines.join('\n');
}
