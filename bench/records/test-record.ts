/** Records by hand, for tests: a whole one, repetitions with any figures, labels that break careless writers. */
import { randomUUID } from 'node:crypto';
import { optionOf } from '../config.ts';
import { encodedHistogram } from '../latency/histogram.ts';
import { parseRunOptions } from '../run/options.ts';
import { LEFT_OUT } from './configuration-name.ts';
import { type DriveRecord, makeDriveRecord } from './drive-record.ts';
import { makePeerRecord, type PeerRecord } from './peer-record.ts';
import { makeRecord, type Repetition, type RunConfig, type RunRecord, type SideRecord } from './record.ts';

/** Text that ends a field, a line, a string or a document somewhere. */
export const HOSTILE_LABEL = '=1+1,"quoted";\r\nBenchmarkX 1 2 ns/op\n\t<b>|`markup`|</b> \u2028 $(x) \\ ’ 🙂';

export const side = (change: Partial<SideRecord> = {}): SideRecord => ({
  cpu: 0,
  pinned: true,
  unpinnedReason: null,
  nice: 0,
  notified: 49,
  suppressed: 7,
  wakeSyscalls: 3,
  pinged: 40,
  spurious: 1,
  spins: 0,
  spinUs: 0,
  looks: 0,
  lookUs: 0,
  asleepNs: 1234.5,
  cpuNs: 124_000,
  voluntarySwitches: 5,
  involuntarySwitches: null,
  gcCount: 0,
  compiledBytes: 0,
  ...change,
});

/** `count` intervals from `firstNs`, `stepNs` apart. */
export const latencyOf = (
  count: number,
  firstNs: number,
  stepNs: number,
): NonNullable<Repetition['pairs'][0]['latency']> => ({
  every: 1,
  clock: 'libc',
  clockNs: 25.5,
  kickToWake: null,
  callToWake: encodedHistogram(Float64Array.of(5000, 7000)),
  roundTrip: encodedHistogram(Float64Array.from({ length: count }, (_, i) => firstNs + i * stepNs)),
});

export const repetition = (change: Partial<Repetition> = {}): Repetition => ({
  wallNs: 212_345.5,
  cpuUserNs: 150_000,
  cpuSystemNs: 60_000,
  transfersPerSecond: 4_704_123.25,
  tenths: [1.5, 2.5e6, 3, 4, 5, 6, 7, 8, 9, 10],
  crossCpuNs: [180.5, null],
  crossedBy: 'wasm',
  load: 0.25,
  stealNs: null,
  otherCpuNs: 1e7,
  stoodStillNs: 0,
  peakRssBytes: 113_000_000,
  pairs: [
    {
      guest: side(),
      host: side({ cpu: 1, notified: 98, cpuNs: 88_000 }),
      lostWakeups: 0,
      verifiedTransfers: 1000,
      wallNs: 212_345.5,
      transfersPerSecond: 4_704_123.25,
      warmUp: { transfers: 64_000, wallNs: 5e8, steady: true },
      latency: null,
    },
  ],
  ...change,
});

/** Of what is not given and has another default today, what names leave out: they stay short. */
function plainConfig(args: readonly string[]): RunConfig {
  const { config, given } = parseRunOptions(args);
  for (const field of ['batch', 'completeBatch', 'loop', 'lookUs'] as const)
    if (!given(optionOf(field))) Object.assign(config, { [field]: LEFT_OUT[field] });
  return config;
}

/** One that is valid, of 1000 transfers, with an id of its own, of these options of `run`. */
export function recordOf(change: Partial<RunRecord> = {}, args: readonly string[] = []): RunRecord {
  const record = makeRecord({
    at: '2026-01-01T00:00:00.000Z',
    label: '',
    outcome: 'done',
    failure: null,
    config: plainConfig(['--parallel', '--transfers', '1000', ...args]),
    environment: {
      machine: 'test-2cpu-01234567',
      cpu: 'Test CPU',
      cpus: 2,
      kernel: 'linux 6.1.0',
      virtualized: true,
      node: '20.19.0',
      version: '0.1.0',
      v8: '11.3',
      commit: 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00',
      dirty: false,
    },
    sweep: null,
    harness: null,
    warnings: [],
    repetitions: [repetition()],
  });
  return { ...record, id: randomUUID(), ...change };
}

/** One of `drive` that is valid, with an id of its own. */
export function driveRecordOf(change: Partial<DriveRecord> = {}): DriveRecord {
  const { at, label, environment } = recordOf();
  const record = makeDriveRecord({
    at,
    label,
    environment,
    outcome: 'done',
    failure: null,
    config: {
      device: 'blk',
      job: 'verify',
      blockSizeBytes: 4096,
      depth: 32,
      queues: 1,
      seconds: null,
      requests: null,
      warmup: 0,
      repeat: 1,
      offsetBytes: 0,
      sizeBytes: 8192,
      seed: 1,
      ringSize: 256,
      indirect: true,
      eventidx: true,
      pollUs: 0,
      timeout: 10,
      reconnect: false,
    },
    backend: {
      features: '0x170000244',
      protocolFeatures: '0x8229',
      queues: 1,
      capacityBytes: 8192,
      blockSizeBytes: 512,
      readOnly: false,
    },
    repetitions: [
      {
        iops: 20_000,
        bytes: 8192,
        wallNs: 100_000,
        cpuUserNs: 10_000,
        cpuSystemNs: 5000,
        load: 0.25,
        stealNs: null,
        otherCpuNs: 1e7,
        stoodStillNs: 0,
        peakRssBytes: 80_000_000,
        reads: null,
        writes: {
          requests: 2,
          bytes: 8192,
          wallNs: 100_000,
          iops: 20_000,
          latency: {
            clock: 'libc',
            clockNs: 45.5,
            histogram: encodedHistogram(Float64Array.of(20_000, 30_000)),
            meanNs: 25_000,
            p50Ns: 20_000,
            p90Ns: 30_000,
            p99Ns: 30_000,
            p999Ns: null,
            maxNs: 30_000,
          },
        },
        errors: 0,
        mismatches: 0,
        overlongLengths: 0,
        kicks: 1,
        calls: 1,
        lostCalls: 0,
        reconnects: 0,
        resubmitted: 0,
      },
    ],
  });
  return { ...record, ...change };
}

/** One of `peers` that is valid, with an id of its own. */
export function peerRecordOf(change: Partial<PeerRecord> = {}): PeerRecord {
  const { at, label, environment, id } = recordOf();
  const figures = {
    cpuUserNs: 150_000,
    cpuSystemNs: 60_000,
    guest: { notified: 49, pinged: 40 },
    host: { notified: 98, pinged: 3 },
    crossCpuNs: [null, null] satisfies [null, null],
  };
  const record = makePeerRecord({
    at,
    label,
    environment,
    outcome: 'done',
    failure: null,
    row: 'same:eventidx',
    program: {
      name: 'vringh_test',
      tree: '6.1.1-1',
      compiler: 'cc 12.2.0',
      edits: [],
      args: ['--eventidx', '--parallel'],
      startNs: null,
    },
    cpus: 'same',
    crossedBy: 'wasm',
    transfers: 1000,
    ours: { default: [] },
    rounds: [
      {
        first: 'peer',
        peer: { ...figures, wallNs: 250_000, transfersPerSecond: 4e6 },
        shipped: null,
        ours: [
          { ...figures, helperCpuNs: null, strategy: 'default', record: id, transfersPerSecond: 5e6, ratio: 1.25 },
        ],
      },
    ],
  });
  return { ...record, ...change };
}
