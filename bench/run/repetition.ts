/**
 * One fresh run of one cell: its pairs, each in two new threads, warmed up, let into the window together, measured, and
 * gone afterwards, however it ends. Main thread.
 */
import type { PairsIn } from '../axes/pairs-in.ts';
import type { Fault } from '../pair/faults.ts';
import { startProcessPair } from '../pair/process-pair.ts';
import { allDone, type Placement, type RunningPair, STOP_GRACE_MS, type StartPair } from '../pair/running-pair.ts';
import type { PairConfig } from '../pair/setup.ts';
import { startThreadPair } from '../pair/thread-pair.ts';
import { loadAverage } from '../records/machine.ts';
import type { Outcome, Repetition, RunConfig } from '../records/record.ts';
import { greatest } from '../statistics/sample.ts';
import { toRepetition } from './windows.ts';

export interface RepetitionOptions {
  /** Told when the threads start and when the measured window begins. */
  onPhase?: (phase: 'warm-up' | 'measuring') => void;
  /** Ends the repetition early with outcome `interrupted`. */
  signal?: AbortSignal;
  /** Planted by tests. */
  fault?: Fault | undefined;
  /** False: the way between the threads' CPUs is not measured. By default it is, where there is one and no other pair. */
  crossing?: boolean | undefined;
}

export type RepetitionResult =
  | { outcome: 'done' | 'lost-wakeups'; repetition: Repetition }
  | { outcome: Exclude<Outcome, 'done' | 'lost-wakeups'>; failure: string };

const START: Record<PairsIn, StartPair> = { thread: startThreadPair, process: startProcessPair };

function pairConfig(config: RunConfig, { apart }: Placement, crossing: boolean): PairConfig {
  const features = { indirect: config.indirect, eventIdx: config.eventidx, version1: config.virtio1 };
  // The words that are bounced would disturb another pair.
  return { ...config, features, apart, crossing: crossing && apart && config.pairs === 1 };
}

/** @param placements one a pair. */
export async function runRepetition(
  config: RunConfig,
  placements: readonly Placement[],
  options: RepetitionOptions = {},
): Promise<RepetitionResult> {
  const { onPhase, signal, fault, crossing = true } = options;
  const load = loadAverage();
  const pairs: RunningPair[] = [];
  const stop = () => {
    for (const pair of pairs) pair.stop();
  };
  let ready = 0;
  const onReady = () => {
    if (++ready < placements.length) return;
    onPhase?.('measuring');
    for (const pair of pairs) pair.start();
  };
  signal?.addEventListener('abort', stop);
  try {
    onPhase?.('warm-up');
    for (const [i, placement] of placements.entries()) {
      const planted = fault !== undefined && (fault.pair ?? 0) === i;
      const task = { config: pairConfig(config, placement, crossing), placement, ...(planted && { fault }) };
      pairs.push(START[config.pairsIn](task, onReady));
    }
    if (signal?.aborted) stop();
    // A pair that is stopped gives its own sides that long.
    const ended = pairs.map((pair) => pair.ended);
    const ends = await allDone(ended, stop, 2 * STOP_GRACE_MS);
    if ('ended' in ends) {
      if (signal?.aborted) return { outcome: 'interrupted', failure: 'by a signal' };
      return { outcome: ends.ended === 'stopped' ? 'failed' : ends.ended, failure: ends.message };
    }
    const peakRssBytes = ends.reduce((sum, end) => sum + end.peakRssBytes, process.resourceUsage().maxRSS * 1024);
    const reports = ends.map(({ report }) => report);
    const repetition = toRepetition(config, reports, {
      load,
      peakRssBytes,
      stoodStillNs: greatest(ends.map((end) => end.stoodStillNs)),
    });
    const lost = repetition.pairs.some(({ lostWakeups }) => lostWakeups > 0);
    return { outcome: lost ? 'lost-wakeups' : 'done', repetition };
  } finally {
    signal?.removeEventListener('abort', stop);
    await Promise.all(pairs.map((pair) => pair.close()));
  }
}
