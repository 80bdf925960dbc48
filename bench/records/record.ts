/**
 * What a run leaves behind: configuration, environment and every repetition's raw figures. This schema is the only
 * definition of it; the types are inferred, and records are validated by it when they are read back.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { configSchema, type RunConfig } from '../config.ts';
import { atLeastOne, count, crossedBy, figure, histogram, ns, perSecond, windowNs } from './fields.ts';

export { configSchema, type RunConfig };

/** Raised with every change after which an older program would misread a record. */
export const SCHEMA_VERSION = 1;

export const environmentSchema = z.strictObject({
  /** Stable name of the machine; also the name of its results file. */
  machine: z.string(),
  cpu: z.string(),
  cpus: count,
  kernel: z.string(),
  virtualized: z.boolean().nullable(),
  node: z.string(),
  v8: z.string(),
  /** Of this program; the commit is null outside a checkout. */
  version: z.string(),
  commit: z.string().nullable(),
  dirty: z.boolean().nullable(),
});

/** One side of one pair, over the measured window. */
const sideSchema = z.strictObject({
  cpu: count.nullable(),
  pinned: z.boolean(),
  unpinnedReason: z.string().nullable(),
  /** The thread's claim on its CPU: higher yields more. */
  nice: z.int(),
  /** Doorbell rings, whether or not the peer slept. */
  notified: count,
  /** Times the peer was asked about and wanted no notification. */
  suppressed: count,
  /** Rings that had to wake the peer. */
  wakeSyscalls: count,
  /** Wake-ups taken. */
  pinged: count,
  /** Wake-ups that found nothing to do. */
  spurious: count,
  /** Looks in vain, of a doorbell; once also those that `looks` counts. */
  spins: count,
  /** Where an adaptive doorbell's looking time settled, microseconds; else 0. */
  spinUs: figure,
  /** Looks at the ring in vain, before a notification was asked for or by a side that polls; none were, once. */
  looks: count.default(0),
  /** Where the time settled that the side looks on before it asks for a notification, microseconds. */
  lookUs: figure.default(0),
  /** The four below are null where the kernel does not tell. */
  asleepNs: ns.nullable(),
  cpuNs: ns.nullable(),
  voluntarySwitches: count.nullable(),
  involuntarySwitches: count.nullable(),
  gcCount: count,
  /** Machine code that the engine made for the thread in the window; null where it does not tell, as once. */
  compiledBytes: count.nullable().default(null),
});

/** Far more than a window keeps of a kind, and few enough for the sum of any number of records. */
const SAMPLES_MAX = 2 ** 32;
/** Of one kind; null where there was no sample. */
const latencies = histogram(SAMPLES_MAX).nullable();

const latencySchema = z.strictObject({
  /** One of how many transfers was sampled: more than asked for where the samples would be too many. */
  every: atLeastOne,
  /** Libc's leaves nothing behind, the engine's does. */
  clock: z.enum(['libc', 'engine']),
  /** What one look at the clock costs; intervals are too long by about it. */
  clockNs: ns,
  /** From the guest's kick until the host's wait returned, and the other way. */
  kickToWake: latencies,
  callToWake: latencies,
  /** From a transfer's being added, or at a fixed rate from its being due, until the guest has it back. */
  roundTrip: latencies,
});

const repetitionSchema = z.strictObject({
  /** From the first pair's start to the last one's end. */
  wallNs: windowNs,
  /** CPU time in the window of all processes that run pairs. */
  cpuUserNs: ns,
  cpuSystemNs: ns,
  /** Transfers of all pairs in that time. */
  transfersPerSecond: perSecond,
  /** Transfers a second in each tenth of the window; of several pairs the sum. */
  tenths: z.array(figure).max(10),
  /** Median round trip of a word between the two CPUs, before and after; null where there is nothing to cross, or several pairs. */
  crossCpuNs: z.tuple([ns.nullable(), ns.nullable()]),
  /** By js a round trip looks two to three times as long as by wasm: the two are never compared. */
  crossedBy,
  /** Load average of the last minute when the repetition began; null where unknown. */
  load: figure.nullable(),
  /** Time the hypervisor took from this machine meanwhile, all CPUs; null where unknown. */
  stealNs: ns.nullable(),
  /** CPU time of all other programs meanwhile; null where unknown. */
  otherCpuNs: ns.nullable(),
  /** How long the process was stopped in the window, as by SIGSTOP, the longest of all; null in older records. */
  stoodStillNs: ns.nullable().default(null),
  /** Largest resident memory so far of the process; with those of the pairs' own added up. */
  peakRssBytes: count,
  pairs: z
    .array(
      z.strictObject({
        guest: sideSchema,
        host: sideSchema,
        lostWakeups: count,
        /** Transfers whose bytes were checked; 0 with fastVringh or layout null, where contents are not looked at. */
        verifiedTransfers: count,
        /** The pair's own window and speed; null in records of one pair that do not tell. */
        wallNs: windowNs.nullable().default(null),
        transfersPerSecond: perSecond.nullable().default(null),
        /** What came before the window: as many transfers in so much time, and whether the loops were steady then. */
        warmUp: z
          .strictObject({ transfers: count, wallNs: ns, steady: z.boolean().nullable() })
          .nullable()
          .default(null),
        /** Null where it was not asked for. */
        latency: latencySchema.nullable(),
      }),
    )
    .min(1),
});

export const OUTCOMES = ['done', 'lost-wakeups', 'check-failed', 'stalled', 'failed', 'interrupted'] as const;

export const recordSchema = z.strictObject({
  schema: z.literal(SCHEMA_VERSION),
  id: z.uuid(),
  at: z.iso.datetime(),
  label: z.string(),
  outcome: z.enum(OUTCOMES),
  /** What went wrong, in one line; null if nothing did. */
  failure: z.string().nullable(),
  config: configSchema,
  environment: environmentSchema,
  /** The sweep that this was a part of: one record for each repetition of each cell. */
  sweep: z.strictObject({ id: z.string(), seed: count, repetition: count }).nullable(),
  /**
   * What the same loops cost without a ring (layout null), CPU nanoseconds a transfer: the medians, and each repetition
   * of its own, of which there was one only, once. Null if not measured.
   */
  harness: z
    .strictObject({
      guestNs: ns,
      hostNs: ns,
      repetitions: z.array(z.strictObject({ guestNs: ns, hostNs: ns })).default([]),
    })
    .nullable(),
  /** What made the figures doubtful, as it was printed. */
  warnings: z.array(z.string()),
  /** Those that were finished. */
  repetitions: z.array(repetitionSchema),
});

export type Environment = z.infer<typeof environmentSchema>;
export type SideRecord = z.infer<typeof sideSchema>;
export type Repetition = z.infer<typeof repetitionSchema>;
export type Outcome = (typeof OUTCOMES)[number];
export type Harness = RunRecord['harness'];
export type RunRecord = z.infer<typeof recordSchema>;

/** A record of this version, with an id of its own; a failure is kept as its first line. */
export function makeRecord(parts: Omit<RunRecord, 'schema' | 'id'>): RunRecord {
  const { failure } = parts;
  return { schema: SCHEMA_VERSION, id: randomUUID(), ...parts, failure: failure?.split('\n')[0] ?? null };
}

/** The same text for the same configuration, in whatever order its fields were written. */
export const configKey = (config: RunConfig): string => JSON.stringify(configSchema.parse(config));
