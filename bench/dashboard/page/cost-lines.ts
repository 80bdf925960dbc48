/** The cost view's lines: what each configuration measured at every value of one field that is a number. Pure. */
import { type CostPoint, fitCost } from '../../statistics/cost-fit.ts';
import { median } from '../../statistics/sample.ts';
import { isSaidWhereNeeded } from './names.ts';
import { type Field, fillsRing, isOfSeries, nameOf, type Records, varyingIn } from './records.ts';

export interface CostLine {
  /** Of its first series. */
  id: number;
  name: string;
  /** Records by the value of the field. */
  at: ReadonlyMap<number, readonly number[]>;
}

/** How long was measured, and with what beside it: no other line. */
const MEASURING = new Set(['transfers', 'warmup', 'latency']);
/** What is most likely asked for, first. */
const FIRST = ['size', 'pairs', 'ring-size', 'batch', 'outstanding', 'rate'];

/** 64 before 256. */
const inOrder = new Intl.Collator('en', { numeric: true }).compare;

const isNumber = (value: string) => value !== '' && Number.isFinite(Number(value));

/** Fields that are numbers and vary among these records. */
export function numericFields(records: Records, among: readonly number[]): Field[] {
  const fields = records.fields.filter(({ group, name }) => group === 'config' && !MEASURING.has(name));
  const found = varyingIn(among, fields).filter((field) => field.values.every(isNumber));
  const order = ({ name }: Field) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return found.sort((a, b) => order(a) - order(b));
}

/** As many as there are of all other fields' values; those with most points first. */
export function costLines(records: Records, among: readonly number[], along: Field): CostLine[] {
  const others = varyingIn(among, records.fields.filter(isOfSeries)).filter(
    (field) => field !== along && !MEASURING.has(field.name) && !isSaidWhereNeeded(field),
  );
  const textOf = (field: Field, record: number) => field.values[field.placeOf(record)]!;
  const lines = new Map<string, { series: number; record: number; at: Map<number, number[]> }>();
  const told = new Set<Field>();
  for (const record of among) {
    const values = others.map((field) => {
      if (field.name === 'outstanding' && fillsRing(records, record)) return 'ring';
      told.add(field);
      return textOf(field, record);
    });
    const key = JSON.stringify(values);
    const line = lines.get(key) ?? { series: records.seriesOf[record]!, record, at: new Map<number, number[]>() };
    lines.set(key, line);
    const x = Number(textOf(along, record));
    line.at.set(x, [...(line.at.get(x) ?? []), record]);
  }
  const naming = others.filter((field) => told.has(field));
  return [...lines.values()]
    .map(({ series, record, at }) => ({ id: series, name: nameOf(records, record, naming), at }))
    .sort((a, b) => b.at.size - a.at.size || inOrder(a.name, b.name));
}

/** Transfers a second of every repetition of these records. */
export const speedsOf = (records: Records, of: readonly number[]): number[] =>
  of.flatMap((record) => records.figures('speed', record));

/** What a transfer and what a byte costs, of a line along sizes. */
export function costOf(records: Records, { at }: CostLine): ReturnType<typeof fitCost> {
  const points = [...at].flatMap(([bytes, of]): CostPoint[] => {
    const speeds = speedsOf(records, of);
    return speeds.length === 0 ? [] : [{ bytes, ns: 1e9 / median(speeds) }];
  });
  return fitCost(points);
}
