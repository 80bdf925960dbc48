/**
 * What the generator embeds and the page reads: columns, not records. No Node and no DOM: both sides import it.
 * Records are in the order of their start.
 */

/** `config` tells one configuration from another; `effort` is how often and how patiently it was measured. */
export type FieldGroup = 'config' | 'effort' | 'environment' | 'record';

/** The value of records without a label, a commit, a sweep or a warning; a text that says it is quoted. */
export const ABSENT = 'none';

/** One field of all records. */
export interface PackedField {
  /** Unique; what stands in the page's address. */
  name: string;
  group: FieldGroup;
  /** Each value once, as it is shown; no two are shown alike. */
  values: string[];
  /** Places in `values`, one a record; null: all have the first. */
  column: number[] | null;
}

/** Of every repetition of every record; null where unknown. */
export const FIGURES = ['speed', 'kicks', 'calls', 'cpuNs'] as const;
export type FigureName = (typeof FIGURES)[number];

export const LATENCY_KINDS = ['roundTrip', 'kickToWake', 'callToWake'] as const;
export type LatencyKind = (typeof LATENCY_KINDS)[number];

/**
 * Per record, null without samples: how many samples there were, then the value in nanoseconds at each of `TAILS` that
 * at least one sample lies beyond, then the maximum; each value as its distance to the one before.
 */
export type PackedLatency = (number[] | null)[];

export interface PageData {
  title: string;
  /** When the page was made, ISO 8601. */
  made: string;
  /** Lines that were no record. */
  skippedLines: number;
  count: number;
  fields: PackedField[];
  /** Starts in milliseconds: the first, then each one's distance to the one before. */
  at: number[];
  /** How many repetitions each record has; `figures` has as many entries a record. */
  repetitions: number[];
  figures: Record<FigureName, (number | null)[]>;
  latency: Record<LatencyKind, PackedLatency | null>;
  /** Records whose figures count for nothing. */
  uncounted: number[];
  /** What speaks against figures: each text once, and of each record that has any its place and those of its texts. */
  doubts: { texts: string[]; of: number[][] };
}

const STEPS_PER_DECADE = 6;
const DECADES = 6;

/** Shares of the samples above each percentile that is kept, from all to one in a million: even steps on a log axis. */
export const TAILS: readonly number[] = [
  ...Array.from({ length: STEPS_PER_DECADE * DECADES + 1 }, (_, k) => 10 ** (-k / STEPS_PER_DECADE)),
  0.5,
].sort((a, b) => b - a);

const ROUNDING = 1e-6;

/** How many of `TAILS` a distribution of so many samples has: those beyond which one lies at least. */
export function tailsOf(samples: number): number {
  const first = TAILS.findIndex((tail) => samples * tail < 1 - ROUNDING);
  return first < 0 ? TAILS.length : first;
}
