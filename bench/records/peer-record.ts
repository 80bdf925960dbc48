/**
 * What a comparison with another program leaves behind: one row of `peers`, round by round. Our own runs are records of
 * `run` in the same file, named by their ids. This schema is the only definition of it.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { atLeastOne, count, crossedBy, ns, perSecond, ratio, windowNs } from './fields.ts';
import { environmentSchema, OUTCOMES } from './record.ts';

/** Raised with every change after which an older program would misread a record. */
const PEER_SCHEMA_VERSION = 1;

/** What a side of the program printed of itself; null where it prints nothing. */
const peerSideSchema = z.strictObject({ notified: count, pinged: count }).nullable();

/** Before and after, as `crossCpuNs` of `run`. */
const crossCpuNs = z.tuple([ns.nullable(), ns.nullable()]);

const peerFiguresSchema = z.strictObject({
  /** Of the whole process, its start included, and of its children. */
  wallNs: windowNs,
  cpuUserNs: ns,
  cpuSystemNs: ns,
  transfersPerSecond: perSecond,
  guest: peerSideSchema,
  host: peerSideSchema,
  crossCpuNs,
});

/** Of the program without what `edits` calls mended, which takes nothing but work that is not the ring's. */
const shippedFiguresSchema = peerFiguresSchema.extend({
  /** As shipped / mended; null as below. */
  ratio: ratio.nullable(),
});

const ourFiguresSchema = z.strictObject({
  /** The key of `ours`. */
  strategy: z.string(),
  /** The id of the record of `run`. */
  record: z.uuid(),
  transfersPerSecond: perSecond,
  cpuUserNs: ns,
  cpuSystemNs: ns,
  /** Of that, what neither half took: compiler, garbage collector, main thread. Null: the kernel does not tell. */
  helperCpuNs: ns.nullable().default(null),
  guest: peerSideSchema,
  host: peerSideSchema,
  crossCpuNs,
  /** Ours / theirs, the one of `peer`; null: the CPUs were not in one mode all the time, so that nothing is compared. */
  ratio: ratio.nullable(),
});

export const peerRecordSchema = z.strictObject({
  kind: z.literal('peer'),
  schema: z.literal(PEER_SCHEMA_VERSION),
  id: z.uuid(),
  at: z.iso.datetime(),
  label: z.string(),
  outcome: z.enum(OUTCOMES),
  /** What went wrong, in one line; null if nothing did. */
  failure: z.string().nullable(),
  /** Its name in `peers --list`. */
  row: z.string(),
  program: z.strictObject({
    name: z.string(),
    /** Version of the kernel tree it was built from. */
    tree: z.string(),
    compiler: z.string(),
    /** What was changed in its copy, by name; empty: as shipped. */
    edits: z.array(z.string()),
    args: z.array(z.string()),
    /** A whole process that transfers once: what of `wallNs` is no transfer. */
    startNs: ns.nullable().default(null),
  }),
  /** `same`, or the two numbers: guest, host. */
  cpus: z.string(),
  /** As in `run`: of all rounds. */
  crossedBy,
  transfers: atLeastOne,
  /** Options of `run`, by strategy; empty where ours has no counterpart. */
  ours: z.record(z.string(), z.array(z.string())),
  environment: environmentSchema,
  /** Those that were finished. */
  rounds: z.array(
    z.strictObject({
      first: z.enum(['peer', 'ours']),
      /** Of `program`. */
      peer: peerFiguresSchema,
      /** Of the same without the edit `mended`; null: not run, because there is none or it changes nothing here. */
      shipped: shippedFiguresSchema.nullable().default(null),
      ours: z.array(ourFiguresSchema),
    }),
  ),
});

export type PeerSide = z.infer<typeof peerSideSchema>;
export type PeerFigures = z.infer<typeof peerFiguresSchema>;
export type ShippedFigures = z.infer<typeof shippedFiguresSchema>;
export type OurFigures = z.infer<typeof ourFiguresSchema>;
export type PeerRecord = z.infer<typeof peerRecordSchema>;
export type PeerRound = PeerRecord['rounds'][number];

/** A record of this version, with an id of its own; a failure is kept as its first line. */
export const makePeerRecord = (parts: Omit<PeerRecord, 'kind' | 'schema' | 'id'>): PeerRecord => ({
  kind: 'peer',
  schema: PEER_SCHEMA_VERSION,
  id: randomUUID(),
  ...parts,
  failure: parts.failure?.split('\n')[0] ?? null,
});
