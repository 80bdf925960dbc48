/** The words of a guest's command line: `--name VALUE` with whole numbers, and the rest in order. */

export interface NumberOption {
  readonly initial: number;
  readonly min: number;
  readonly max: number;
}

export interface Parsed<Name extends string> {
  readonly values: Readonly<Record<Name, number>>;
  readonly rest: readonly string[];
}

export class OptionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'OptionError';
  }
}

/** A whole number from `min` to `max`. @throws OptionError that names `what` */
export function wholeNumber(
  what: string,
  text: string | undefined,
  { min, max }: { min: number; max: number },
): number {
  const value = text !== undefined && /^(\d+|0x[0-9a-f]+)$/i.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw new OptionError(`${what} is ${min} to ${max}, not ${text ?? 'nothing'}`);
  return value;
}

/** @throws OptionError */
export function parseOptions<Name extends string>(
  words: readonly string[],
  table: Readonly<Record<Name, NumberOption>>,
): Parsed<Name> {
  const known = Object.entries<NumberOption>(table);
  const values = new Map(known.map(([name, { initial }]) => [name, initial]));
  const rest: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (!word.startsWith('--')) {
      rest.push(word);
      continue;
    }
    const option = known.find(([name]) => word === `--${name}`);
    if (option === undefined)
      throw new OptionError(`no option ${word}: there are ${known.map(([name]) => `--${name}`).join(', ')}`);
    values.set(option[0], wholeNumber(word, words[++i], option[1]));
  }
  return { values: Object.fromEntries(values) as Record<Name, number>, rest };
}
