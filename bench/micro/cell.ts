/**
 * One cell, a bench with an ordering, on a thread of its own: pin, build, warm up, measure, check each iteration.
 * tinybench takes the samples; one sample is one call of the bench's timed part.
 */
import { Bench, type Statistics } from 'tinybench';
import type { OrderingName } from '../../src/ordering/index.ts';
import { type Pinning, pinningNow, pinThread, unpinThread } from '../pair/pinning.ts';
import type { FailedEnd } from '../pair/side-end.ts';
import { BENCHES, type BenchName } from './benches/index.ts';
import { type MicroBench, makeStage, type Prepared } from './micro-bench.ts';
import type { CellFigures } from './record.ts';

/** Samples that even the shortest run takes, and takes before them. */
const SAMPLES_MIN = 16;
const WARMUP_SAMPLES_MIN = 4;

const NS_PER_MS = 1e6;

export interface CellTask {
  bench: BenchName;
  /** Null for a bench that makes no ordered access. */
  ordering: OrderingName | null;
  /** Measured time, milliseconds; the warm-up before it lasts half of it. */
  timeMs: number;
  /** CPUs of the cell's thread and of the second one that some benches have; null: unpinned, and why. */
  cpu: number | null;
  peerCpu: number | null;
  unpinnedReason: string;
  /** Planted by tests: after the warm-up the timed part does nothing, as if the engine had removed it. */
  idle: boolean;
  /** The same: something moves the thread off its CPU. */
  moved: boolean;
}

export type CellEnd = { ended: 'done'; report: CellFigures } | FailedEnd;

/** Measures one cell. @throws CheckFailed */
export async function runCell(task: CellTask): Promise<CellFigures> {
  const pinning = pinThread(task.cpu, task.unpinnedReason);
  // What makes no ordered access runs the same with any.
  const stage = makeStage(task.ordering ?? 'seqcst', task.peerCpu, task.unpinnedReason);
  const bench: MicroBench = BENCHES[task.bench];
  const prepared = await bench.prepare(stage);
  let latency: Statistics;
  let pinningAtEnd: Pinning;
  try {
    latency = measure(prepared, task);
    if (task.moved) unpinThread();
    pinningAtEnd = pinningNow(pinning);
  } finally {
    await prepared.close?.();
  }
  return figuresOf(prepared, pinningAtEnd, latency);
}

function measure(prepared: Prepared, { bench: name, timeMs, idle }: CellTask): Statistics {
  const bench = new Bench({
    time: timeMs,
    iterations: SAMPLES_MIN,
    warmupTime: timeMs / 2,
    warmupIterations: WARMUP_SAMPLES_MIN,
    throws: true,
  });
  const { now } = bench;
  const timed = () => {
    const start = now();
    const countedMs = prepared.timed(now);
    // The budget of time is for all that a call does, also where only a part of it counts.
    if (countedMs !== undefined) return { overriddenDuration: countedMs, overriddenIterationCost: now() - start };
    return undefined;
  };
  let measuring = false;
  bench.add(name, () => (idle && measuring ? undefined : timed()), {
    async: false,
    beforeAll: (mode) => {
      measuring = mode === 'run';
    },
    beforeEach: () => prepared.before(),
    afterEach: () => prepared.check(),
  });
  bench.runSync();
  const { result } = bench.tasks[0]!;
  if (result.state !== 'completed') throw new Error(`${name}: tinybench ended ${result.state}`);
  return result.latency;
}

function figuresOf({ operations, peer }: Prepared, pinning: Pinning, latency: Statistics): CellFigures {
  const peerPinning = peer?.() ?? null;
  const unpinned = [pinning, peerPinning].find((of) => of?.pinned === false);
  const ns = (ms: number) => (ms * NS_PER_MS) / operations;
  return {
    operations,
    samples: latency.samplesCount,
    medianNs: ns(latency.p50),
    madNs: ns(latency.mad),
    meanNs: ns(latency.mean),
    minNs: ns(latency.min),
    p75Ns: ns(latency.p75),
    p99Ns: ns(latency.p99),
    cpu: pinning.cpu,
    peerCpu: peerPinning?.cpu ?? null,
    unpinnedReason: unpinned?.pinned === false ? unpinned.reason : null,
  };
}
