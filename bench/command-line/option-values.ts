/** Values on the command line: numbers with suffixes, names out of a table, and errors that say what would be right. */

/** The caller's mistake: one line that names the argument. Exit code 2. */
export class UsageError extends Error {}

/** A table of named strategies, workloads, layouts. */
export type Choice = Record<string, { readonly summary: string }>;

const SUFFIXES: Record<string, number> = { '': 1, k: 1e3, m: 1e6 };

/** A whole number, `200k` or `1.5M` too. @throws UsageError */
export function countOf(argument: string, text: string, min: number, max: number): number {
  const match = /^(\d+(?:\.\d+)?)([kKmM]?)$/.exec(text);
  const value =
    match === null ? Number.NaN : Math.round(Number(match[1]) * SUFFIXES[match[2]!.toLowerCase()]! * 1e6) / 1e6;
  if (!Number.isInteger(value))
    throw new UsageError(`${argument} wants a whole number (like 5000, 200k, 10M), not '${text}'`);
  if (value < min || value > max) throw new UsageError(`${argument} wants ${min} to ${max}, not ${text}`);
  return value;
}

const BYTE_SUFFIXES: Record<string, number> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Bytes, `4k` and `64MiB` too: powers of 1024. @throws UsageError */
export function bytesOf(argument: string, text: string, min: number, max: number): number {
  const match = /^(\d+)([kmgt]?)(?:i?b)?$/i.exec(text);
  const value = match === null ? Number.NaN : Number(match[1]) * BYTE_SUFFIXES[match[2]!.toLowerCase()]!;
  if (!Number.isSafeInteger(value))
    throw new UsageError(`${argument} wants bytes (like 512, 4k, 64MiB), not '${text}'`);
  if (value < min || value > max) throw new UsageError(`${argument} wants ${min} to ${max} bytes, not ${text}`);
  return value;
}

/** Seconds above 0, up to a day. @throws UsageError */
export const secondsOf = (argument: string, text: string): number => timeOf(argument, text, 'seconds', 86_400);

/** Minutes above 0, up to a week. @throws UsageError */
export const minutesOf = (argument: string, text: string): number => timeOf(argument, text, 'minutes', 10_080);

function timeOf(argument: string, text: string, unit: string, max: number): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value > 0 && value <= max))
    throw new UsageError(`${argument} wants ${unit} above 0, up to ${max}, not '${text}'`);
  return value;
}

/** Percent above 0, up to 100. @throws UsageError */
export function percentOf(argument: string, text: string): number {
  const value = /^\d+(\.\d+)?%?$/.test(text) ? Number.parseFloat(text) : Number.NaN;
  if (!(value > 0 && value <= 100)) throw new UsageError(`${argument} wants percent above 0, up to 100, not '${text}'`);
  return value;
}

/** A key of `table`. @throws UsageError */
export function choiceOf<Name extends string>(argument: string, text: string, table: Record<Name, unknown>): Name {
  const names = Object.keys(table) as Name[];
  const found = names.find((name) => name === text);
  if (found === undefined)
    throw new UsageError(`${argument} wants one of ${names.join(', ')}, not '${text}'${nearest(text, names)}`);
  return found;
}

/** Keys of `table`, separated by commas; in the table's order, each once. @throws UsageError */
export function choicesOf<Name extends string>(argument: string, text: string, table: Record<Name, unknown>): Name[] {
  const chosen = new Set(text.split(',').map((name) => choiceOf(argument, name.trim(), table)));
  return (Object.keys(table) as Name[]).filter((name) => chosen.has(name));
}

/** `; did you mean X?` for the closest candidate, if one is close; else nothing. */
export function nearest(text: string, candidates: readonly string[]): string {
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(text.length / 3)) + 1;
  for (const candidate of candidates) {
    // A label may be megabytes long; so far apart, nothing is close.
    if (Math.abs(candidate.length - text.length) >= bestDistance) continue;
    const distance = editDistance(text, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best === null ? '' : `; did you mean ${best}?`;
}

/** Insertions, deletions and replacements that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length]!;
}
