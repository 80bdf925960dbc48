/** How the page writes the values of a field: short, clean, and never two that differ in the same way. Main thread. */
import { createHash } from 'node:crypto';
import { printable } from '../command-line/printable.ts';

export type Value = string | number | boolean | null;

/** Longer texts are cut when they are shown; what they are grouped by is the whole of them. */
const TEXT_MAX = 120;
/** Longer texts are known by their beginning and a hash. */
const KEY_MAX = 200;
const HASH_DIGITS = 8;

const hashOf = (text: string) => createHash('sha256').update(JSON.stringify(text)).digest('hex');

/** Stands for a value, is not endless, and is the same for the same value only. */
export const keyOf = (value: Value): Value =>
  typeof value === 'string' && value.length > KEY_MAX ? `${value.slice(0, KEY_MAX)}${hashOf(value)}` : value;

/** A stranger's text on one line, cut; a cut one ends with a hash of the whole. */
export function shownText(text: string): string {
  if (text.length <= TEXT_MAX) return clean(text);
  return `${clean(text.slice(0, TEXT_MAX))}… #${hashOf(text).slice(0, HASH_DIGITS)}`;
}

/** Halves of characters could not stand in an address. */
const clean = (text: string) => Buffer.from(printable(text)).toString();

/** A value as it is shown. No text looks like the word for what is absent, or like nothing: those are quoted. */
export function shownValue(value: Value, absent: string): string {
  if (value === null) return absent;
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'number') return String(value);
  const text = shownText(value);
  return text === absent || text.startsWith('"') || text.trim() === '' ? JSON.stringify(text) : text;
}

/** One of a field's values. */
export interface Named {
  key: Value;
  shown: string;
}

/** The values as they are shown, with a hash where several are shown alike. */
export function toldApart(values: readonly Named[]): string[] {
  const counts = new Map<string, number>();
  for (const { shown } of values) counts.set(shown, (counts.get(shown) ?? 0) + 1);
  const taken = new Set<string>();
  return values.map(({ key, shown }) => {
    let name = counts.get(shown) === 1 ? shown : `${shown} #${hashOf(String(key)).slice(0, HASH_DIGITS)}`;
    // A text may look like another's with its hash.
    while (taken.has(name)) name += "'";
    taken.add(name);
    return name;
  });
}
