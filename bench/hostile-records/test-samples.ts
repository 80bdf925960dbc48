/** Whole records: every field has a value, so that each can be spoilt. For tests. */
import { randomUUID } from 'node:crypto';
import { encodedHistogram } from '../latency/histogram.ts';
import { parseMatrixOptions } from '../matrix/options.ts';
import { sweepId } from '../matrix/sweep.ts';
import { captureEnvironment, programHash } from '../records/environment.ts';
import type { RunRecord } from '../records/record.ts';
import { driveRecordOf, latencyOf, peerRecordOf, recordOf, repetition, side } from '../records/test-record.ts';
import { type Path, withField } from './test-fields.ts';

/** More than a file of these tests has records. */
const REPEAT = 1000;

/** A sweep of one cell, to which the samples belong. */
export const SWEEP_ARGS = ['--batch', '1', '--transfers', '1000', '--repeat', String(REPEAT), '--seed', '7'];
const { cells } = parseMatrixOptions(SWEEP_ARGS);
const { config } = cells[0]!;
const environment = captureEnvironment();
export const SWEEP_ID = sweepId([config], environment, programHash());

let repetitions = 0;

/** One of `run`, a repetition of the sweep that no other sample is. */
export function sampleRun(change: Partial<RunRecord> = {}): RunRecord {
  const plain = repetition({ crossCpuNs: [180.5, 181], stealNs: 5, load: 0.5, stoodStillNs: 1 });
  const whole = { unpinnedReason: 'not allowed', involuntarySwitches: 3, compiledBytes: 4 };
  const kicks = encodedHistogram(Float64Array.of(4000, 6000));
  const pair = {
    ...plain.pairs[0]!,
    guest: side(whole),
    host: side({ ...whole, cpu: 1 }),
    latency: { ...latencyOf(2000, 1000, 1000), kickToWake: kicks },
  };
  return recordOf({
    id: randomUUID(),
    label: 'before',
    failure: 'it failed',
    warnings: ['a warning'],
    config,
    environment: { ...recordOf().environment, machine: 'machine', commit: 'c0ffee'.repeat(6) },
    sweep: { id: SWEEP_ID, seed: 7, repetition: ++repetitions },
    harness: { guestNs: 10, hostNs: 20, repetitions: [{ guestNs: 10, hostNs: 20 }] },
    repetitions: [{ ...plain, pairs: [pair] }],
    ...change,
  });
}

/** The same for the field at `path`: latency only where it is tried, because it takes time to read. */
export function sampleRunFor(path: Path): RunRecord {
  const record = sampleRun();
  return path.includes('latency') ? record : withField(record, ['repetitions', 0, 'pairs', 0, 'latency'], null);
}

export function sampleDrive() {
  const plain = driveRecordOf();
  const [only] = plain.repetitions;
  const stream = only!.writes!;
  const latency = { ...stream.latency!, p999Ns: 30_000 };
  return driveRecordOf({
    id: randomUUID(),
    failure: 'it failed',
    config: { ...plain.config, seconds: 1, requests: 2 },
    repetitions: [
      { ...only!, stealNs: 5, overlongLengths: 1, reads: { ...stream, latency }, writes: { ...stream, latency } },
    ],
  });
}

export function samplePeer() {
  const plain = peerRecordOf();
  const [round] = plain.rounds;
  const [ours] = round!.ours;
  const peer = { ...round!.peer, crossCpuNs: [1, 2] as [number, number] };
  return peerRecordOf({
    id: randomUUID(),
    failure: 'it failed',
    program: { ...plain.program, edits: ['mended'], startNs: 5 },
    ours: { default: ['--eventidx'] },
    rounds: [
      {
        ...round!,
        peer,
        shipped: { ...peer, ratio: 0.5 },
        ours: [{ ...ours!, helperCpuNs: 5, crossCpuNs: [1, 2] }],
      },
    ],
  });
}
