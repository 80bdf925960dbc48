/** Comma-separated values [RFC 4180]: a header, then one row a repetition with everything that is known of it. */
import { PERCENTILES, percentileNs, sumOf } from '../latency/histogram.ts';
import { LATENCY_KINDS } from '../latency/summary.ts';
import type { Repetition, RunRecord } from '../records/record.ts';

type Value = string | number | boolean | null;
type Row = Map<string, Value>;

const END = '\r\n';
const WARNINGS_BETWEEN = '; ';

/** Columns in the order in which rows first have them; what a row has not is empty. */
export function csvText(records: readonly RunRecord[]): string {
  const rows = records.flatMap((record) => record.repetitions.map((repetition, i) => rowOf(record, repetition, i)));
  const columns = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  const lines = [columns, ...rows.map((row) => columns.map((column) => row.get(column) ?? null))];
  return lines.map((line) => `${line.map(field).join(',')}${END}`).join('');
}

function field(value: Value): string {
  const text = value === null ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
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
