/** Valid records by the thousand, without measuring: several commits and cells, with latency; the same for the same seed. */
import { writeFileSync } from 'node:fs';
import { encodedHistogram } from '../latency/histogram.ts';
import { type Repetition, type RunRecord, recordSchema, SCHEMA_VERSION, type SideRecord } from '../records/record.ts';

export interface Wanted {
  commits?: number;
  /** Of each cell at each commit. */
  repetitions?: number;
  orderings?: readonly RunRecord['config']['ordering'][];
  doorbells?: readonly RunRecord['config']['doorbell'][];
  cpus?: readonly string[];
  batches?: readonly number[];
  /** Latency samples of each record; 0: none. */
  samples?: number;
  change?: (record: RunRecord, place: number) => RunRecord;
}

const TRANSFERS = 100_000;
const START_MS = Date.parse('2026-01-05T08:00:00.000Z');
const DAY_MS = 86_400_000;
const SECOND_MS = 1000;
const HISTOGRAMS = 16;

const SPEED: Record<string, number> = { futex: 2.7e6, spin: 7e6, adaptive: 6.8e6, pipe: 2.2e6 };

/** Numbers from 0 to 1 by a linear congruence: chance enough for a chart. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function sideOf(notified: number, cpuNs: number): SideRecord {
  return {
    cpu: 0,
    pinned: true,
    unpinnedReason: null,
    nice: 0,
    notified,
    suppressed: 0,
    wakeSyscalls: 0,
    pinged: 0,
    spurious: 0,
    spins: 0,
    spinUs: 0,
    looks: 0,
    lookUs: 0,
    asleepNs: 0,
    cpuNs,
    voluntarySwitches: 0,
    involuntarySwitches: 0,
    gcCount: 0,
    compiledBytes: 0,
  };
}

/** In order of time, each one validated. */
export function testRecords({
  commits = 12,
  repetitions = 5,
  orderings = ['seqcst', 'wasm'],
  doorbells = ['futex', 'spin', 'adaptive'],
  cpus = ['same', 'distant'],
  batches = [1],
  samples = 2000,
  change = (record) => record,
}: Wanted = {}): RunRecord[] {
  const random = randomOf(1);
  const histograms = Array.from({ length: samples === 0 ? 0 : HISTOGRAMS }, (_, i) =>
    encodedHistogram(Float64Array.from({ length: samples }, () => (1500 + 400 * i) / (random() + 0.001) ** 0.7)),
  );
  const records: RunRecord[] = [];
  for (let commit = 0; commit < commits; commit++)
    for (let repetition = 1; repetition <= repetitions; repetition++)
      for (const ordering of orderings)
        for (const doorbell of doorbells)
          for (const cpu of cpus)
            for (const batch of batches) {
              const place = records.length;
              // Two thirds of the way something got slower.
              const level = commit * 3 >= commits * 2 ? 0.8 : 1;
              const cell =
                SPEED[doorbell]! * (ordering === 'wasm' ? 0.9 : 1) * (cpu === 'same' ? 0.7 : 1) * batch ** 0.2;
              const speed = cell * level * (0.95 + 0.1 * random());
              const histogram = histograms[place % HISTOGRAMS] ?? null;
              const measured: Repetition = {
                wallNs: (TRANSFERS / speed) * 1e9,
                cpuUserNs: 1e7,
                cpuSystemNs: 1e6,
                transfersPerSecond: speed,
                tenths: Array.from({ length: 10 }, () => speed),
                crossCpuNs: [120, 130],
                crossedBy: 'wasm',
                load: 0.5,
                stealNs: 0,
                otherCpuNs: 0,
                stoodStillNs: 0,
                peakRssBytes: 1e8,
                pairs: [
                  {
                    guest: sideOf(Math.round((TRANSFERS * (0.5 + 0.02 * random())) / batch), 2e7 / level),
                    host: sideOf(Math.round(TRANSFERS * 0.25), 1e7),
                    lostWakeups: 0,
                    verifiedTransfers: TRANSFERS,
                    wallNs: null,
                    transfersPerSecond: null,
                    warmUp: null,
                    latency:
                      histogram === null
                        ? null
                        : {
                            every: 64,
                            clock: 'libc',
                            clockNs: 25,
                            kickToWake: histogram,
                            callToWake: null,
                            roundTrip: histogram,
                          },
                  },
                ],
              };
              const record: RunRecord = {
                schema: SCHEMA_VERSION,
                id: `00000000-0000-4000-8000-${place.toString(16).padStart(12, '0')}`,
                at: new Date(START_MS + commit * DAY_MS + place * SECOND_MS).toISOString(),
                label: commit < commits / 2 ? 'before' : 'after',
                outcome: 'done',
                failure: null,
                config: {
                  parallel: true,
                  indirect: false,
                  eventidx: true,
                  virtio1: false,
                  slowRange: false,
                  fastVringh: false,
                  transfers: TRANSFERS,
                  warmup: 1000,
                  repeat: 1,
                  ringSize: 256,
                  workload: 'alternate',
                  size: 4,
                  layout: 'split',
                  ringPlace: 'legacy',
                  host: 'vringh',
                  engine: 'js',
                  loop: 'js',
                  lookUs: 0,
                  ordering,
                  orderingSound: true,
                  doorbell,
                  cpus: cpu,
                  pairs: 1,
                  pairsIn: 'thread',
                  timeout: 10,
                  spinUs: 50,
                  batch,
                  outstanding: 256,
                  delayedInterrupt: true,
                  completeBatch: 1,
                  exitCost: 0,
                  latency: samples === 0 ? 0 : 64,
                  rate: 0,
                },
                environment: {
                  machine: 'test-2cpu-00000000',
                  cpu: 'Test',
                  cpus: 2,
                  kernel: 'linux 6.1',
                  virtualized: true,
                  node: '20.20.2',
                  version: '0.1.0',
                  v8: '11.3',
                  commit: ((commit + 1) * 0x1234567).toString(16).padStart(8, '0').repeat(5),
                  dirty: false,
                },
                sweep: { id: `sweep${commit}`, seed: commit, repetition },
                harness: null,
                warnings: [],
                repetitions: [measured],
              };
              records.push(recordSchema.parse(change(record, place)));
            }
  return records;
}

export const linesOf = (records: readonly unknown[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');

export function writeRecords(file: string, records: readonly unknown[]): string {
  writeFileSync(file, linesOf(records));
  return file;
}
