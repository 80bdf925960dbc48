/** What `micro --json` prints. This schema is the only definition of it; the types are inferred. */
import { z } from 'zod';
import { ORDERINGS } from '../../src/ordering/index.ts';
import { count, names, ns } from '../records/fields.ts';
import { environmentSchema } from '../records/record.ts';
import { BENCHES } from './benches/index.ts';

/** Raised with every change after which an older program would misread a record. */
export const MICRO_SCHEMA_VERSION = 1;

/** Nanoseconds are per operation, over samples of `operations` each. */
const figuresSchema = z.strictObject({
  /** Operations of one sample. */
  operations: count.positive(),
  samples: count.positive(),
  medianNs: ns,
  /** Median of how far samples lie from the median. */
  madNs: ns,
  meanNs: ns,
  minNs: ns,
  p75Ns: ns,
  p99Ns: ns,
  /** Where the thread was pinned up to its end, and the bench's second thread; null: not, or there is none. */
  cpu: count.nullable(),
  peerCpu: count.nullable(),
  /** Why one of them was not, or not any more. */
  unpinnedReason: z.string().nullable(),
});

const cellSchema = z.strictObject({
  bench: names(BENCHES),
  /** Null: the bench makes no ordered access. */
  ordering: names(ORDERINGS).nullable(),
  /** The ECMAScript memory model guarantees the ordering; null without one. */
  orderingSound: z.boolean().nullable(),
  ...figuresSchema.shape,
  /** Time in which the process was stopped from outside, while the cell was built, warmed up and measured. */
  stoodStillNs: ns,
});

export const microRecordSchema = z.strictObject({
  schema: z.literal(MICRO_SCHEMA_VERSION),
  id: z.uuid(),
  at: z.iso.datetime(),
  outcome: z.enum(['done', 'check-failed', 'failed']),
  /** What went wrong, in one line; null if nothing did. */
  failure: z.string().nullable(),
  /** Measured time of each cell, milliseconds. */
  timeMs: count.positive(),
  environment: environmentSchema,
  /** Those that were finished. */
  cells: z.array(cellSchema),
});

export type CellFigures = z.infer<typeof figuresSchema>;
export type Cell = z.infer<typeof cellSchema>;
export type MicroRecord = z.infer<typeof microRecordSchema>;
