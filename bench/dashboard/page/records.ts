/** The embedded columns, opened: which record has which value, which configuration it is of, what it measured. */
import { type FieldGroup, type FigureName, type LatencyKind, type PageData, TAILS, tailsOf } from '../page-data.ts';

export interface Field {
  name: string;
  group: FieldGroup;
  values: readonly string[];
  /** Its place in `values`, of a record. */
  placeOf: (record: number) => number;
}

/** A record's distribution of one kind of latency. */
export interface Distribution {
  samples: number;
  /** Nanoseconds at each of `TAILS` that there are enough samples for. */
  valuesNs: readonly number[];
  maxNs: number;
}

export class Records {
  readonly title: string;
  readonly made: string;
  readonly skippedLines: number;
  readonly count: number;
  readonly fields: readonly Field[];
  readonly atMs: Float64Array;
  /** Of each record: records of one configuration on one machine have the same. */
  readonly seriesOf: Int32Array;
  /** Some record of each series. */
  readonly exampleOf: readonly number[];
  private readonly data: PageData;
  private readonly starts: Int32Array;
  private readonly uncounted: ReadonlySet<number>;
  private readonly doubts = new Map<number, readonly string[]>();

  constructor(data: PageData) {
    this.data = data;
    this.title = data.title;
    this.made = data.made;
    this.skippedLines = data.skippedLines;
    this.count = data.count;
    this.fields = data.fields.map(({ name, group, values, column }) => ({
      name,
      group,
      values,
      placeOf: column === null ? () => 0 : (record) => column[record]!,
    }));
    this.atMs = new Float64Array(data.count);
    this.starts = new Int32Array(data.count + 1);
    let atMs = 0;
    for (let record = 0; record < data.count; record++) {
      atMs += data.at[record]!;
      this.atMs[record] = atMs;
      this.starts[record + 1] = this.starts[record]! + data.repetitions[record]!;
    }
    const parts = this.fields.filter((field) => isOfSeries(field) && field.values.length > 1);
    const known = new Map<string, number>();
    const examples: number[] = [];
    this.seriesOf = Int32Array.from({ length: data.count }, (_, record) => {
      const key = parts.map((field) => field.placeOf(record)).join();
      const series = known.get(key) ?? examples.push(record) - 1;
      known.set(key, series);
      return series;
    });
    this.exampleOf = examples;
    this.uncounted = new Set(data.uncounted);
    for (const [record, ...texts] of data.doubts.of as [number, ...number[]][])
      this.doubts.set(
        record,
        texts.map((place) => data.doubts.texts[place]!),
      );
  }

  field(name: string): Field {
    return this.fields.find((field) => field.name === name)!;
  }

  value(name: string, record: number): string {
    const field = this.field(name);
    return field.values[field.placeOf(record)]!;
  }

  /** What every repetition of the record had. */
  figures(name: FigureName, record: number): number[] {
    return this.data.figures[name]
      .slice(this.starts[record]!, this.starts[record + 1]!)
      .filter((figure) => figure !== null);
  }

  distribution(kind: LatencyKind, record: number): Distribution | null {
    const packed = this.data.latency[kind]?.[record];
    if (!packed) return null;
    const [samples, ...steps] = packed as [number, ...number[]];
    let sum = 0;
    const values = steps.map((step) => (sum += step));
    const count = tailsOf(samples);
    return { samples, valuesNs: values.slice(0, count), maxNs: values[count] ?? sum };
  }

  hasLatency(kind: LatencyKind): boolean {
    return this.data.latency[kind] !== null;
  }

  /** False for a record whose figures are shown nowhere. */
  counts(record: number): boolean {
    return !this.uncounted.has(record);
  }

  /** What speaks against the record's figures. */
  doubtsOf(record: number): readonly string[] {
    return this.doubts.get(record) ?? [];
  }

  /** In order: those that the filters keep. A value that no record has keeps none. */
  passing(filters: ReadonlyMap<string, ReadonlySet<string>>): number[] {
    const tests = this.fields.flatMap((field) => {
      const wanted = filters.get(field.name);
      return wanted === undefined ? [] : [{ field, keeps: field.values.map((value) => wanted.has(value)) }];
    });
    const kept: number[] = [];
    for (let record = 0; record < this.count; record++)
      if (tests.every(({ field, keeps }) => keeps[field.placeOf(record)])) kept.push(record);
    return kept;
  }
}

/** The records by a key, each group in the order of the records; groups in the order of their first ones. */
export function groupedBy<Key>(among: readonly number[], keyOf: (record: number) => Key): Map<Key, number[]> {
  const groups = new Map<Key, number[]>();
  for (const record of among) {
    const key = keyOf(record);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [record]);
    else group.push(record);
  }
  return groups;
}

/** What tells one series of measurements from another; times, commits, outcomes and efforts are points on it. */
export const isOfSeries = ({ name, group }: Pick<Field, 'name' | 'group'>) => group === 'config' || name === 'machine';

/** What a record is called by among others of several series. */
export const isOfName = (field: Pick<Field, 'name' | 'group'>) =>
  isOfSeries(field) || field.name === 'commit' || field.name === 'label';

/** The value that `share` of the samples lie above, nanoseconds; null where there are too few. */
export function valueAtTail({ valuesNs }: Distribution, share: number): number | null {
  const place = TAILS.findIndex((tail) => Math.abs(tail - share) < share / 100);
  return valuesNs[place] ?? null;
}

/** The names of the fields that are not the same in all of these records. */
export function varyingIn(among: readonly number[], fields: readonly Field[]): Field[] {
  const [first] = among;
  if (first === undefined) return [];
  return fields.filter(
    (field) => field.values.length > 1 && among.some((record) => field.placeOf(record) !== field.placeOf(first)),
  );
}

/**
 * A value as it is read: the digits of a long number stand in groups. In the address and in what filters keep it stands
 * as it was given.
 */
export const shownOf = ({ group }: Pick<Field, 'group'>, value: string): string =>
  group === 'config' && /^\d{4,}$/.test(value) ? Number(value).toLocaleString('en-US') : value;

/** Not told otherwise, there are as many chains in flight as the ring has descriptors: no value of its own. */
export const fillsRing = (records: Records, record: number): boolean =>
  records.value('outstanding', record) === records.value('ring-size', record);

/** What a value is of is seen from the value of these. */
const PLAIN = new Set(['ordering', 'doorbell', 'workload', 'machine']);

/** How a record is told from the others, by the fields in which they differ. */
export function nameOf(records: Records, record: number, varying: readonly Field[]): string {
  const parts = varying.flatMap((field) => {
    const { name } = field;
    const value = shownOf(field, field.values[field.placeOf(record)]!);
    if (name === 'outstanding' && records.field('ring-size').values.length > 1 && fillsRing(records, record))
      return varying.some((other) => other.name === 'ring-size') ? [] : [`${name}=ring`];
    return [PLAIN.has(name) ? value : `${name}=${value}`];
  });
  return parts.length === 0 ? 'the one configuration' : parts.join(' ');
}
