/**
 * Comma-separated values [RFC 4180]: a header, then one row a repetition with everything that is known of it. A text that
 * a spreadsheet could take for a formula has a `'` before it; to read a text back, take one `'` from its beginning.
 */
import { printable } from '../command-line/printable.ts';
import { PERCENTILES, percentileNs, sumOf } from '../latency/histogram.ts';
import { LATENCY_KINDS } from '../latency/summary.ts';
import type { Repetition, RunRecord } from '../records/record.ts';

type Value = string | number | boolean | null;
type Row = Map<string, Value>;

const END = '\r\n';
const WARNINGS_BETWEEN = '; ';

/** What a formula begins with, also behind spaces and as a wide character; and the mark itself, so that it can be taken off. */
const FORMULA = /^(?:\s*[=+\-@＝＋－＠]|')/;

/** Columns in the order in which rows first have them; what a row has not is empty. */
export function csvText(records: readonly RunRecord[]): string {
  const places = new Map<string, number>();
  const rows: string[][] = [];
  for (const record of records)
    for (const [i, repetition] of record.repetitions.entries()) {
      const row: string[] = [];
      for (const [column, value] of rowOf(record, repetition, i)) {
        const place = places.get(column) ?? places.size;
        places.set(column, place);
        row[place] = field(value);
      }
      rows.push(row);
    }
  const header = [...places.keys()];
  return [header, ...rows].map((row) => `${header.map((_, place) => row[place] ?? '').join(',')}${END}`).join('');
}

/** Numbers are numbers for a spreadsheet, too: a negative one is no formula. */
function field(value: Value): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  const clean = printable(value);
  const text = FORMULA.test(clean) ? `'${clean}` : clean;
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function rowOf(record: RunRecord, repetition: Repetition, place: number): Row {
  const { schema, id, at, label, outcome, failure, config, environment, sweep, harness, warnings } = record;
  const row: Row = new Map<string, Value>(Object.entries({ schema, id, at, label, outcome, failure }));
  const add = (prefix: string, values: Record<string, Value>) => {
    for (const [name, value] of Object.entries(values)) row.set(`${prefix}${name}`, value);
  };
  row.set('repetition', sweep?.repetition ?? place + 1);
  add('sweep.', { id: sweep?.id ?? null, seed: sweep?.seed ?? null });
  add('config.', config);
  add('environment.', environment);
  add('harness.', { guestNs: harness?.guestNs ?? null, hostNs: harness?.hostNs ?? null });
  row.set('warnings', warnings.join(WARNINGS_BETWEEN));
  const { tenths, crossCpuNs, pairs, ...figures } = repetition;
  add('', figures);
  add('', { 'crossCpuNs.before': crossCpuNs[0], 'crossCpuNs.after': crossCpuNs[1] });
  for (const [i, tenth] of tenths.entries()) row.set(`tenths.${i + 1}`, tenth);
  for (const [i, { guest, host, warmUp, latency, ...counts }] of pairs.entries()) {
    const prefix = `pairs.${i + 1}.`;
    add(prefix, counts);
    if (warmUp !== null) add(`${prefix}warmUp.`, warmUp);
    add(`${prefix}guest.`, guest);
    add(`${prefix}host.`, host);
    if (latency !== null) add(`${prefix}latency.`, latencyValues(latency));
  }
  return row;
}

type Latency = NonNullable<Repetition['pairs'][0]['latency']>;

/** Percentiles in nanoseconds instead of the histograms. */
function latencyValues(latency: Latency): Record<string, Value> {
  const { every, clock, clockNs } = latency;
  const values: Record<string, Value> = { every, clock, clockNs };
  for (const [, kind] of LATENCY_KINDS) {
    const histogram = latency[kind] === null ? null : sumOf([latency[kind]]);
    for (const percentile of PERCENTILES)
      values[`${kind}.p${percentile}Ns`] = histogram === null ? null : percentileNs(histogram, percentile);
    values[`${kind}.maxNs`] = histogram?.maxValue ?? null;
    values[`${kind}.samples`] = histogram?.totalCount ?? null;
  }
  return values;
}
