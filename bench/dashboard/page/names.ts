/** What records are called beside others, and in which order they are listed: by the fields in which they differ. Pure. */
import { type Field, groupedBy, isOfSeries, nameOf, type Records, varyingIn } from './records.ts';

/** How long was measured, and what mostly goes with another field: said only where nothing else tells two apart. */
const WHERE_NEEDED = new Set(['transfers', 'warmup', 'repeat', 'timeout', 'ordering-sound', 'label']);

export const isSaidWhereNeeded = ({ name }: Pick<Field, 'name'>): boolean => WHERE_NEEDED.has(name);

export interface Names {
  of: (record: number) => string;
  /** By the values of the fields, in the order in which the filters list them. */
  compare: (one: number, other: number) => number;
}

/** The same name only for records that differ in none of `fields`. */
export function namesAmong(
  records: Records,
  among: readonly number[],
  fields: readonly Field[] = records.fields.filter(isOfSeries),
): Names {
  const varying = varyingIn(among, fields);
  const always = varying.filter((field) => !isSaidWhereNeeded(field));
  const whereNeeded = varying.filter(isSaidWhereNeeded);
  const keyOf = (record: number) => always.map((field) => field.placeOf(record)).join();
  const naming = new Map<string, readonly Field[]>();
  for (const [key, alike] of groupedBy(among, keyOf)) naming.set(key, [...always, ...varyingIn(alike, whereNeeded)]);
  return {
    of: (record) => nameOf(records, record, naming.get(keyOf(record)) ?? varying),
    compare: (one, other) => {
      for (const field of varying) {
        const distance = field.placeOf(one) - field.placeOf(other);
        if (distance !== 0) return distance;
      }
      return 0;
    },
  };
}
