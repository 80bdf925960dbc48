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
  return args.map((argument, i) => {
    const name = argument.slice(2);
    const implied = argument.startsWith('--') && Object.hasOwn(table, name) ? table[name]?.implied : undefined;
    const alone = args[i + 1] === undefined || args[i + 1]!.startsWith('-');
    return implied !== undefined && alone ? `${argument}=${implied}` : argument;
  });
}

/**
 * The arguments as option → text (flags: ''). What belongs to no option goes to `others`, where a command takes such.
 * @throws UsageError naming the argument.
 */
export function readArguments<Name extends string>(
  table: OptionTable<Name>,
  args: readonly string[],
  others?: string[],
): Map<Name | 'help', string> {
  const known = Object.keys(table) as Name[];
  const options = Object.fromEntries(
    known.map((name) => [name, { type: table[name].value === null ? 'boolean' : 'string' } as const]),
  );
  const { tokens } = parseArgs({ args: withImplied(table, args), options, strict: false, tokens: true });
  const given = new Map<Name | 'help', string>();
  for (const token of tokens) {
    if (token.kind === 'positional' && others !== undefined) {
      others.push(token.value);
      continue;
    }
    if (token.kind === 'positional') throw new UsageError(`unexpected argument '${token.value}'`);
    if (token.kind === 'option-terminator') throw new UsageError("unexpected argument '--'");
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
    if (option.value !== null && (token.value === undefined || (token.value.startsWith('--') && !token.inlineValue)))
      throw new UsageError(`--${name} wants a value: ${option.value}`);
    given.set(name, token.value ?? '');
  }
  return given;
}

/** The options part of a help text: a line an option, a line a choice below it. */
export function optionLines(table: OptionTable<string>): string {
  const lines: string[] = [];
  for (const [name, { value, summary, byDefault, implied, choices = {} }] of Object.entries(table)) {
    const shown = implied === undefined ? value : `[${value}]`;
    const left = `  --${name}${shown === null ? '' : ` ${shown}`}`;
    lines.push(`${left.padEnd(22)} ${summary}${byDefault ? ` (${byDefault})` : ''}`);
    const width = Math.max(10, ...Object.keys(choices).map((chosen) => chosen.length));
    for (const [chosen, { summary: what }] of Object.entries(choices))
      lines.push(`${''.padEnd(24)} ${chosen.padEnd(width)} ${what}`);
  }
  return lines.join('\n');
}
