/** Records as columns: of each record only what the page shows. Main thread. */
import { grouped } from '../command-line/columns.ts';
import { figuresCount } from '../records/counted.ts';
import { doubtsOf } from '../records/doubts.ts';
import type { Repetition, RunRecord } from '../records/record.ts';
import { cpuNsOf, encodedOf, ringsOf, transfersOf } from '../records/sums.ts';
import { FIELDS, type FieldOf } from './fields.ts';
import {
  FIGURES,
  type FigureName,
  LATENCY_KINDS,
  type LatencyKind,
  type PackedField,
  type PackedLatency,
  type PageData,
} from './page-data.ts';
import { packedPercentiles } from './percentiles.ts';
import { keyOf, type Named, shownText, toldApart, type Value } from './values.ts';

const FIGURE_DIGITS = 5;
/** More doubts of one record are counted. */
const DOUBTS_MAX = 8;

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
  /** Of each field: the place among the values that were seen. */
  values: number[];
  repetitions: number;
  figures: Record<FigureName, (number | null)[]>;
  latency: Record<LatencyKind, number[] | null>;
  counts: boolean;
  /** Places among the doubts that were seen. */
  doubts: number[];
}

/** Each value once, by its key. */
class Seen {
  private readonly places = new Map<Value, number>();
  readonly named: Named[] = [];

  placeOf(value: Value, shown: (value: Value) => string): number {
    const key = keyOf(value);
    const known = this.places.get(key);
    if (known !== undefined) return known;
    this.places.set(key, this.named.length);
    return this.named.push({ key, shown: shown(value) }) - 1;
  }
}

/** Takes records one by one, so that no file has to be in memory whole. */
export class Columns {
  private readonly packed: Packed[] = [];
  private readonly seen = FIELDS.map(() => new Seen());
  private readonly doubts = new Seen();

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
    const values = FIELDS.map(({ of, shown }, i) => this.seen[i]!.placeOf(of(record), shown));
    const doubts = cutDoubts(doubtsOf(record)).map((doubt) => this.doubts.placeOf(doubt, () => shownText(doubt)));
    this.packed.push({
      atMs: Date.parse(record.at),
      values,
      repetitions: repetitions.length,
      figures,
      latency,
      counts: figuresCount(record),
      doubts,
    });
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
      fields: FIELDS.map((field, i) => this.packedField(field, i, rows)),
      at: rows.map(({ atMs }, i) => (i === 0 ? atMs : atMs - rows[i - 1]!.atMs)),
      repetitions: rows.map(({ repetitions }) => repetitions),
      figures: Object.fromEntries(
        FIGURES.map((name) => [name, rows.flatMap(({ figures }) => figures[name])]),
      ) as PageData['figures'],
      latency: Object.fromEntries(LATENCY_KINDS.map((kind) => [kind, latencyOf(kind)])) as PageData['latency'],
      uncounted: rows.flatMap(({ counts }, record) => (counts ? [] : [record])),
      doubts: {
        texts: this.doubts.named.map(({ shown }) => shown),
        of: rows.flatMap(({ doubts }, record) => (doubts.length === 0 ? [] : [[record, ...doubts]])),
      },
    };
  }

  private packedField({ name, group, byTime = false }: FieldOf, i: number, rows: readonly Packed[]): PackedField {
    const named = this.seen[i]!.named;
    const names = toldApart(named);
    const seen = [...new Set(rows.map(({ values }) => values[i]!))];
    const inTurn = byTime ? seen.reverse() : seen.sort((a, b) => inOrder(names[a]!, names[b]!));
    const places = new Map(inTurn.map((of, place) => [of, place]));
    const column = inTurn.length < 2 ? null : rows.map(({ values }) => places.get(values[i]!)!);
    return { name, group, values: inTurn.map((of) => names[of]!), column };
  }
}

const cutDoubts = (doubts: readonly string[]): readonly string[] =>
  doubts.length <= DOUBTS_MAX
    ? doubts
    : [...doubts.slice(0, DOUBTS_MAX), `and ${grouped(doubts.length - DOUBTS_MAX)} more`];

/** As many digits as a figure is worth; null for what is no number: nothing was transferred. */
const rounded = (value: number) => (Number.isFinite(value) ? Number(value.toPrecision(FIGURE_DIGITS)) : null);
