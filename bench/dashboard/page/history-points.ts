/** The history's series: what each configuration measured at each commit. Pure. */
import { ABSENT } from '../page-data.ts';
import { dayOf, type Metric } from './metrics.ts';
import type { Records } from './records.ts';

const TICK_DIGITS = 8;

export interface Point {
  /** `none` for records without one: those are told apart by their day. */
  commit: string;
  /** What it is called: the commit, or the day where there is none. */
  name: string;
  /** The same for an axis: as short as it can be. */
  tick: string;
  /** Of the first record. */
  atMs: number;
  /** Place in the order of time. */
  place: number;
}

export interface History {
  points: readonly Point[];
  /** Records of each series by the place of the point; those with most points first. */
  series: { id: number; at: ReadonlyMap<number, readonly number[]> }[];
}

/** `byDay`: a commit measured on several days is a point on each, as a time axis wants it. */
export function historyOf(records: Records, passing: readonly number[], byDay: boolean): History {
  const points = new Map<string, Point>();
  const series = new Map<number, Map<number, number[]>>();
  const commits = records.field('commit');
  for (const record of passing) {
    const commit = commits.values[commits.placeOf(record)]!;
    const atMs = records.atMs[record]!;
    const day = byDay || commit === ABSENT ? dayOf(atMs) : '';
    const key = JSON.stringify([commit, day]);
    let point = points.get(key);
    if (point === undefined) {
      point = { ...namesOf(commit, atMs), atMs, place: points.size };
      points.set(key, point);
    }
    const id = records.seriesOf[record]!;
    const at = series.get(id) ?? new Map<number, number[]>();
    series.set(id, at);
    const there = at.get(point.place);
    if (there === undefined) at.set(point.place, [record]);
    else there.push(record);
  }
  return {
    points: [...points.values()],
    series: [...series].map(([id, at]) => ({ id, at })).sort((a, b) => b.at.size - a.at.size || a.id - b.id),
  };
}

function namesOf(commit: string, atMs: number): Pick<Point, 'commit' | 'name' | 'tick'> {
  if (commit === ABSENT) return { commit, name: dayOf(atMs), tick: dayOf(atMs) };
  const changed = commit.endsWith(' + changes') ? '+' : '';
  return { commit, name: commit, tick: `${commit.slice(0, TICK_DIGITS)}${changed}` };
}

/** What a metric was in all repetitions of these records. */
export const valuesOf = (records: Records, metric: Metric, of: readonly number[]): number[] =>
  of.flatMap((record) => metric.of(records, record));

/** When each of these values was measured, milliseconds since 1970. */
export const timesOf = (records: Records, metric: Metric, of: readonly number[]): number[] =>
  of.flatMap((record) => metric.of(records, record).map(() => records.atMs[record]!));
