/** Records as columns: of each record only what the page shows. Main thread. */
import { printable } from '../command-line/printable.ts';
import { configSchema, environmentSchema, type Repetition, type RunRecord } from '../records/record.ts';
import { cpuNsOf, encodedOf, ringsOf, transfersOf } from '../records/sums.ts';
import {
  FIGURES,
  type FieldGroup,
  type FigureName,
  LATENCY_KINDS,
  type LatencyKind,
  type PackedLatency,
  type PageData,
} from './page-data.ts';
import { packedPercentiles } from './percentiles.ts';

/** Longer texts are cut: a label of megabytes is no label. */
const TEXT_MAX = 120;
const FIGURE_DIGITS = 5;

type Value = string | number | boolean | null;

/** `delayedInterrupt` as the option is called: `delayed-interrupt`. */
const optionName = (field: string) => field.replace(/[A-Z]|\d+$/g, (part) => `-${part.toLowerCase()}`);

function shown(value: Value): string {
  if (value === null) return 'unknown';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  const text = String(value);
  return text.length > TEXT_MAX ? `${printable(text.slice(0, TEXT_MAX))}…` : printable(text);
}

const COMMIT_DIGITS = 10;
function commitOf({ environment: { commit, dirty } }: RunRecord): string {
  if (commit === null) return 'none';
  const short = /^[0-9a-f]{40,}$/.test(commit) ? commit.slice(0, COMMIT_DIGITS) : commit;
  return dirty ? `${short} + changes` : short;
}

interface FieldOf {
  name: string;
  group: FieldGroup;
  of: (record: RunRecord) => Value;
  /** Listed with the newest first; others by value. */
  byTime?: boolean;
}

/** Every field that can be filtered by. */
const FIELDS: FieldOf[] = [
  ...(Object.keys(configSchema.shape) as (keyof RunRecord['config'])[]).map(
    (key): FieldOf => ({ name: optionName(key), group: 'config', of: ({ config }) => config[key] }),
  ),
  { name: 'label', group: 'record', of: ({ label }) => label || 'none', byTime: true },
  { name: 'commit', group: 'record', of: commitOf, byTime: true },
  { name: 'outcome', group: 'record', of: ({ outcome }) => outcome },
  {
    name: 'sweep',
    group: 'record',
    of: ({ sweep }) => (sweep === null ? 'none' : `${sweep.id} ${sweep.seed}`),
    byTime: true,
  },
  // Commit and changes are one field, above.
  ...(Object.keys(environmentSchema.shape) as (keyof RunRecord['environment'])[])
    .filter((key) => key !== 'commit' && key !== 'dirty')
    .map((key): FieldOf => ({ name: key, group: 'environment', of: ({ environment }) => environment[key] })),
];

/** Values by number, `off` before `on`, else by text. */
const inOrder = new Intl.Collator('en', { numeric: true }).compare;

const FIGURE_OF: Record<FigureName, (repetition: Repetition, transfers: number) => number> = {
  speed: ({ transfersPerSecond }) => transfersPerSecond,
  kicks: (repetition, transfers) => ringsOf(repetition, 'guest') / transfers,
  calls: (repetition, transfers) => ringsOf(repetition, 'host') / transfers,
  cpuNs: (repetition, transfers) => cpuNsOf(repetition) / transfers,
};

interface Packed {
  atMs: number;
  values: string[];
  repetitions: number;
  figures: Record<FigureName, (number | null)[]>;
  latency: Record<LatencyKind, number[] | null>;
}

/** Takes records one by one, so that no file has to be in memory whole. */
export class Columns {
  private readonly packed: Packed[] = [];

  get count(): number {
    return this.packed.length;
  }

  /** @throws where a histogram cannot be decoded */
  add(record: RunRecord): void {
    const { repetitions, config } = record;
    const figures = Object.fromEntries(
      FIGURES.map((name) => [
        name,
        repetitions.map((repetition) => rounded(FIGURE_OF[name](repetition, transfersOf(config, repetition)))),
      ]),
    ) as Packed['figures'];
    const latency = Object.fromEntries(
      LATENCY_KINDS.map((kind) => {
        const encoded = encodedOf(repetitions, kind);
        return [kind, encoded.length === 0 ? null : packedPercentiles(encoded)];
      }),
    ) as Packed['latency'];
    const values = FIELDS.map(({ of }) => shown(of(record)));
    this.packed.push({ atMs: Date.parse(record.at), values, repetitions: repetitions.length, figures, latency });
  }

  pageData(title: string, made: string, skippedLines: number): PageData {
    const rows = this.packed.toSorted((a, b) => a.atMs - b.atMs);
    const latencyOf = (kind: LatencyKind): PackedLatency | null =>
      rows.some(({ latency }) => latency[kind] !== null) ? rows.map(({ latency }) => latency[kind]) : null;
    return {
      title,
      made,
      skippedLines,
      count: rows.length,
      fields: FIELDS.map(({ name, group, byTime = false }, i) => {
        const seen = [...new Set(rows.map((row) => row.values[i]!))];
        const values = byTime ? seen.reverse() : seen.sort(inOrder);
        const places = new Map(values.map((value, place) => [value, place]));
        const column = values.length < 2 ? null : rows.map((row) => places.get(row.values[i]!)!);
        return { name, group, values, column };
      }),
      at: rows.map(({ atMs }, i) => (i === 0 ? atMs : atMs - rows[i - 1]!.atMs)),
      repetitions: rows.map(({ repetitions }) => repetitions),
      figures: Object.fromEntries(
        FIGURES.map((name) => [name, rows.flatMap(({ figures }) => figures[name])]),
      ) as PageData['figures'],
      latency: Object.fromEntries(LATENCY_KINDS.map((kind) => [kind, latencyOf(kind)])) as PageData['latency'],
    };
  }
}

/** As many digits as a figure is worth; null for what is no number: nothing was transferred. */
const rounded = (value: number) => (Number.isFinite(value) ? Number(value.toPrecision(FIGURE_DIGITS)) : null);
