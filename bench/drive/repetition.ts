/** One repetition of a job: its phases one after the other, and what they took of the machine. Main thread. */

import type { Clock } from '../latency/clock.ts';
import { sumOf } from '../latency/histogram.ts';
import type { DriveConfig, DriveRepetition, DriveStream } from '../records/drive-record.ts';
import { loadAverage } from '../records/machine.ts';
import type { BlockJob } from './job.ts';
import type { Phase, PhaseResult } from './phase.ts';
import type { Usage } from './usage.ts';

const NS_PER_S = 1e9;

export interface RepetitionResult {
  readonly repetition: DriveRepetition;
  readonly failure: PhaseResult['failure'];
  readonly interrupted: boolean;
  readonly firstError: string | null;
}

/** What a job does, in order; the flush is not counted among its requests. */
function phasesOf(config: DriveConfig): Phase[] {
  const { job, requests, seconds } = config;
  if (job === 'verify') {
    const blocks = Math.floor(config.sizeBytes / config.blockSizeBytes);
    const whole = { random: false, pattern: true, requests: blocks, seconds: null };
    return [
      { ...whole, kind: 'write' },
      { ...whole, kind: 'flush', pattern: false, requests: 1 },
      { ...whole, kind: 'read' },
    ];
  }
  const kind = job === 'read' || job === 'randread' ? 'read' : 'write';
  return [{ kind, random: job === 'randread' || job === 'randwrite', pattern: false, requests, seconds }];
}

/** The branches by which a phase ends and the next one begins are taken before a phase is measured. */
const WARMUP_PHASES = 4;

/** The same requests for so long, before what is counted; none where nothing is to be warmed up. */
export function warmupPhases(config: DriveConfig): Phase[] {
  if (config.warmup === 0) return [];
  const [first] = phasesOf(config);
  return Array<Phase>(WARMUP_PHASES).fill({ ...first!, requests: null, seconds: config.warmup / WARMUP_PHASES });
}

interface Machine {
  readonly kicks: () => number;
  readonly clock: Clock;
  readonly clockNs: number;
}

/** What a repetition needs of the job. */
type Runner = Pick<BlockJob, 'run' | 'calls' | 'latency'>;

/** @param canFlush false: the disk needs no flush, and has none. */
export async function runRepetition(
  job: Runner,
  config: DriveConfig,
  canFlush: boolean,
  machine: Machine,
): Promise<RepetitionResult> {
  const load = loadAverage();
  const kicks = machine.kicks();
  const { calls } = job;
  const streams: Partial<Record<'read' | 'write', DriveStream>> = {};
  const results: PhaseResult[] = [];
  /** Of the phases whose time counts. */
  const usages: Usage[] = [];
  for (const phase of phasesOf(config)) {
    if (phase.kind === 'flush' && !canFlush) continue;
    const result = await job.run(phase);
    results.push(result);
    if (phase.kind !== 'flush') {
      usages.push(result.usage);
      streams[phase.kind] = streamOf(job, result, config, machine);
    }
    if (result.failure !== null || result.interrupted) break;
  }
  const sum = (of: (result: PhaseResult) => number) => results.reduce((all, result) => all + of(result), 0);
  const measured = Object.values(streams);
  const requests = measured.reduce((all, stream) => all + stream.requests, 0);
  const wallNs = measured.reduce((all, stream) => all + stream.wallNs, 0);
  const last = results.at(-1)!;
  return {
    failure: last.failure,
    interrupted: last.interrupted,
    firstError: results.find(({ firstError }) => firstError !== null)?.firstError ?? null,
    repetition: {
      iops: rate(requests, wallNs),
      bytes: requests * config.blockSizeBytes,
      wallNs,
      cpuUserNs: usages.reduce((all, { cpuUserNs }) => all + cpuUserNs, 0),
      cpuSystemNs: usages.reduce((all, { cpuSystemNs }) => all + cpuSystemNs, 0),
      load,
      stealNs: sumOrNull(usages.map(({ machine }) => machine?.stolenNs)),
      otherCpuNs: sumOrNull(usages.map(({ machine }) => machine?.otherCpuNs)),
      stoodStillNs: usages.reduce((all, { stoodStillNs }) => all + stoodStillNs, 0),
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
      reads: streams.read ?? null,
      writes: streams.write ?? null,
      errors: sum(({ errors }) => errors),
      mismatches: sum(({ mismatches }) => mismatches),
      overlongLengths: sum(({ overlongLengths }) => overlongLengths),
      kicks: machine.kicks() - kicks,
      calls: job.calls - calls,
      lostCalls: sum(({ lostCalls }) => lostCalls),
      reconnects: sum(({ reconnects }) => reconnects),
      resubmitted: sum(({ resubmitted }) => resubmitted),
    },
  };
}

const sumOrNull = (values: readonly (number | undefined)[]): number | null =>
  values.reduce<number | null>((sum, value) => (sum === null || value === undefined ? null : sum + value), 0);

const rate = (count: number, wallNs: number): number => (wallNs === 0 ? 0 : (count * NS_PER_S) / wallNs);

function streamOf(
  { latency }: Runner,
  { requests, wallNs }: PhaseResult,
  config: DriveConfig,
  { clock, clockNs }: Machine,
): DriveStream {
  const encoded = latency.encoded();
  const stream = { requests, bytes: requests * config.blockSizeBytes, wallNs, iops: rate(requests, wallNs) };
  if (encoded === null) return { ...stream, latency: null };
  const histogram = sumOf([encoded]);
  // A bucket says its highest value, which may be more than any that is in it.
  const { maxNs } = latency;
  const at = (percentile: number) => Math.min(maxNs, histogram.getValueAtPercentile(percentile));
  return {
    ...stream,
    latency: {
      clock: clock.name,
      clockNs,
      histogram: encoded,
      meanNs: Math.min(maxNs, histogram.mean),
      p50Ns: at(50),
      p90Ns: at(90),
      p99Ns: at(99),
      p999Ns: requests >= 1000 ? at(99.9) : null,
      maxNs,
    },
  };
}
