/** What can be shown of a record, with its unit; and how numbers, times and names are written. */
import type { LatencyKind } from '../page-data.ts';
import { type Records, valueAtTail } from './records.ts';
import { isTime } from './ticks.ts';

export interface Metric {
  name: string;
  title: string;
  unit: string;
  /** More is better. */
  rising: boolean;
  /** One value a repetition; one a record where only the sum of the repetitions is known. */
  of: (records: Records, record: number) => number[];
}

const NS_PER_US = 1000;
const PER_MILLION = 1e6;

const tail =
  (share: number) =>
  (records: Records, record: number): number[] => {
    const distribution = records.distribution('roundTrip', record);
    const ns = distribution === null ? null : valueAtTail(distribution, share);
    return ns === null ? [] : [ns / NS_PER_US];
  };

const both = (records: Records, record: number): number[] => {
  const calls = records.figures('calls', record);
  return records.figures('kicks', record).map((kicks, i) => kicks + (calls[i] ?? 0));
};

export const METRICS: readonly Metric[] = [
  {
    name: 'speed',
    title: 'Throughput',
    unit: 'M/s',
    rising: true,
    of: (records, record) => records.figures('speed', record).map((speed) => speed / PER_MILLION),
  },
  { name: 'notifications', title: 'Notifications per transfer', unit: '', rising: false, of: both },
  {
    name: 'kicks',
    title: 'Kicks per transfer',
    unit: '',
    rising: false,
    of: (records, record) => records.figures('kicks', record),
  },
  {
    name: 'calls',
    title: 'Calls per transfer',
    unit: '',
    rising: false,
    of: (records, record) => records.figures('calls', record),
  },
  {
    name: 'cpu',
    title: 'CPU time per transfer',
    unit: 'ns',
    rising: false,
    of: (records, record) => records.figures('cpuNs', record),
  },
  { name: 'p50', title: 'Round trip, median', unit: 'µs', rising: false, of: tail(0.5) },
  { name: 'p99', title: 'Round trip, 99 %', unit: 'µs', rising: false, of: tail(0.01) },
];

/** Those that some record has. */
export const metricsOf = (records: Records): readonly Metric[] =>
  METRICS.filter(({ name }) => (name !== 'p50' && name !== 'p99') || records.hasLatency('roundTrip'));

export const metricNamed = (metrics: readonly Metric[], name: string | undefined): Metric =>
  metrics.find((metric) => metric.name === name) ?? metrics[0]!;

export const KIND_TITLES: Record<LatencyKind, string> = {
  roundTrip: 'Round trip',
  kickToWake: 'Kick to wake',
  callToWake: 'Call to wake',
};

const DIGITS = 3;
const WHOLE_FROM = 1000;

/** With three digits, and all of those before the point. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= WHOLE_FROM) return Math.round(value).toLocaleString('en-US');
  return size < 1e-4 ? value.toExponential(1) : value.toPrecision(DIGITS);
}

export const probability = (p: number) => Number(p.toPrecision(1)).toString();

export const withUnit = (value: number, unit: string) => (unit === '' ? figure(value) : `${figure(value)} ${unit}`);
export const titleOf = ({ title, unit }: Pick<Metric, 'title' | 'unit'>) => (unit === '' ? title : `${title}, ${unit}`);
/** The same above a chart, whose ticks say the units of times. */
export const chartTitleOf = (metric: Pick<Metric, 'title' | 'unit'>) =>
  isTime(metric.unit) ? metric.title : titleOf(metric);
export const microseconds = (ns: number) => figure(ns / NS_PER_US);
export const count = (value: number, what: string) =>
  `${value.toLocaleString('en-US')} ${what}${value === 1 ? '' : 's'}`;

/** Universal time, as the records have it. */
export const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
export const minuteOf = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
