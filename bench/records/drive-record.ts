/**
 * What a run of `drive` leaves behind: the job, the backend it was given to, and every repetition's figures. A kind of
 * its own beside the records of `run`, in the same files. This schema is the only definition of it.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { atLeastOne, count, figure, histogram, ns } from './fields.ts';
import { environmentSchema, OUTCOMES } from './record.ts';

/** Raised with every change after which an older program would misread a record. */
const DRIVE_SCHEMA_VERSION = 1;

export const JOBS = {
  read: { summary: 'reads from the start to the end, again and again' },
  write: { summary: 'writes from the start to the end, again and again' },
  randread: { summary: 'reads blocks anywhere' },
  randwrite: { summary: 'writes blocks anywhere' },
  verify: { summary: 'writes everything once, flushes, reads it back and compares every byte' },
} as const;
export type JobName = keyof typeof JOBS;

/** Every option of `drive` that says what is measured. */
export const driveConfigSchema = z.strictObject({
  device: z.literal('blk'),
  job: z.enum(Object.keys(JOBS) as [JobName, ...JobName[]]),
  blockSizeBytes: atLeastOne,
  /** Requests in flight, a queue. */
  depth: atLeastOne,
  queues: atLeastOne,
  /** How long, or how many requests; both null: each block once. */
  seconds: z.number().positive().nullable(),
  requests: atLeastOne.nullable(),
  /** Seconds. */
  warmup: z.number().nonnegative(),
  repeat: atLeastOne,
  /** The piece of the disk that is used. */
  offsetBytes: count,
  sizeBytes: atLeastOne,
  seed: count,
  ringSize: atLeastOne,
  indirect: z.boolean(),
  eventidx: z.boolean(),
  /** How long it looks for completions before it waits for a call, microseconds. */
  pollUs: count,
  /** Bound of every wait, seconds. */
  timeout: z.number().positive(),
  reconnect: z.boolean(),
});

/** A feature word: 64 bits do not fit a number. */
const featureWord = z.string().regex(/^0x[0-9a-f]+$/);

/** A day of ten million requests a second. */
const SAMPLES_MAX = 2 ** 40;

const latencySchema = z.strictObject({
  clock: z.enum(['libc', 'engine']),
  /** What one look at the clock costs. */
  clockNs: ns,
  /** Every request. */
  histogram: histogram(SAMPLES_MAX),
  meanNs: ns,
  p50Ns: ns,
  p90Ns: ns,
  p99Ns: ns,
  /** Null where too few requests were made. */
  p999Ns: ns.nullable(),
  maxNs: ns,
});

/** Requests of one direction, from the first one's start to the last one's end. */
const streamSchema = z.strictObject({
  requests: count,
  bytes: count,
  wallNs: ns,
  iops: figure,
  latency: latencySchema.nullable(),
});

const driveRepetitionSchema = z.strictObject({
  /** All its requests together. */
  iops: figure,
  bytes: count,
  wallNs: ns,
  cpuUserNs: ns,
  cpuSystemNs: ns,
  load: figure.nullable(),
  stealNs: ns.nullable(),
  otherCpuNs: ns.nullable(),
  /** Time in which the process was stopped from outside; null in records of before it was looked at. */
  stoodStillNs: ns.nullable().default(null),
  peakRssBytes: count,
  /** Null: there were none. */
  reads: streamSchema.nullable(),
  writes: streamSchema.nullable(),
  /** Requests that the device answered with an error. */
  errors: count,
  /** Blocks whose bytes were not what was written. */
  mismatches: count,
  /** Requests whose used length was more than the device may write; null in records of before it was counted. */
  overlongLengths: count.nullable().default(null),
  /** Times the device was kicked, and called. */
  kicks: count,
  calls: count,
  /** Completions that no call came for. */
  lostCalls: count,
  /** Times the backend came back, and requests that were sent again then. */
  reconnects: count,
  resubmitted: count,
});

export const driveRecordSchema = z.strictObject({
  kind: z.literal('drive'),
  schema: z.literal(DRIVE_SCHEMA_VERSION),
  id: z.uuid(),
  at: z.iso.datetime(),
  label: z.string(),
  outcome: z.enum(OUTCOMES),
  /** What went wrong, in one line; null if nothing did. */
  failure: z.string().nullable(),
  config: driveConfigSchema,
  /** What answered at the socket; null if nothing did. */
  backend: z
    .strictObject({
      features: featureWord,
      protocolFeatures: featureWord,
      queues: count,
      capacityBytes: count,
      blockSizeBytes: count,
      readOnly: z.boolean(),
    })
    .nullable(),
  environment: environmentSchema,
  /** Those that were finished, and a last one that was interrupted. */
  repetitions: z.array(driveRepetitionSchema),
});

export type DriveConfig = z.infer<typeof driveConfigSchema>;
export type DriveStream = z.infer<typeof streamSchema>;
export type DriveRepetition = z.infer<typeof driveRepetitionSchema>;
export type DriveRecord = z.infer<typeof driveRecordSchema>;

/** A record of this version, with an id of its own; a failure is kept as its first line. */
export function makeDriveRecord(parts: Omit<DriveRecord, 'kind' | 'schema' | 'id'>): DriveRecord {
  const { failure } = parts;
  return {
    kind: 'drive',
    schema: DRIVE_SCHEMA_VERSION,
    id: randomUUID(),
    ...parts,
    failure: failure?.split('\n')[0] ?? null,
  };
}
