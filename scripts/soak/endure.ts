/** Steps one after the other, until a bound is reached or one is wrong: how it ended, what it left, what memory did. */
import { memoryNow } from '../../src/fuzz/growth.ts';
import { ADDRESS_RANGES_MAX } from '../../src/native/address-ranges.ts';
import { Growth } from './growth.ts';
import { heldNow, PATIENCE_MS, settled } from './held.ts';
import type { Step } from './plan.ts';
import type { Planted } from './planted.ts';
import { type Played, play } from './play.ts';

export interface SoakOptions {
  stepAt: (number: number) => Step;
  /** The first step's number. */
  from: number;
  steps: number;
  seconds: number;
  signal: AbortSignal;
  /** Where temporary files are made. */
  folder: string;
  /** Told of each step before it begins and after it. */
  onStep?: (number: number, step: Step, played: Played | null) => void;
  /** How long what a step held may take to go; tests have less. */
  patienceMs?: number;
  rangesMax?: number;
  /** Planted by tests: leaves something behind. */
  leave?: (number: number) => void;
}

export interface SoakFigures {
  steps: number;
  transfers: number;
  seconds: number;
  /** How steps ended, by what was planted. */
  outcomes: Map<string, number>;
  strategies: Map<string, number>;
  /** What was left over, by kind. */
  leaks: Map<string, number>;
  growth: Growth;
  /** It ended early, because the process can hardly map more memory. */
  full: boolean;
  failure: { number: number; step: Step; why: string } | null;
}

/** The longest a step may take: several times the slowest that there is. */
const STEP_MS_MAX = 120_000;

/** What starts once, and stays, is started before anything is counted. */
const FIRST: readonly Step[] = [
  { what: 'run', args: ['--transfers', '1k', '--warmup', '0', '--latency', '1'], planted: null },
  { what: 'run', args: ['--transfers', '1k', '--warmup', '0', '--pairs-in', 'process'], planted: null },
  { what: 'launch' },
];

const count = (counts: Map<string, number>, key: string, by = 1) => counts.set(key, (counts.get(key) ?? 0) + by);

const plantedName = (planted: Planted | null) => (planted === null ? '' : `, ${planted.kind} planted`);

let begun = false;

export async function endure(options: SoakOptions): Promise<SoakFigures> {
  const { stepAt, from, steps, seconds, signal, folder, onStep, leave } = options;
  for (const step of begun ? [] : FIRST) if (!signal.aborted) await play(step, signal);
  begun = true;
  const before = heldNow(folder);
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const figures: SoakFigures = {
    ...{ steps: 0, transfers: 0, seconds: 0, outcomes: new Map(), strategies: new Map(), leaks: new Map() },
    ...{ growth: new Growth(), full: false, failure: null },
  };
  for (let number = from; number < from + steps && elapsed() < seconds && !figures.full && !signal.aborted; number++) {
    const step = stepAt(number);
    onStep?.(number, step, null);
    const played = await bounded(play(step, signal));
    // What Ctrl-C ended is judged by nobody.
    if (signal.aborted) break;
    leave?.(number);
    const left = await settled(before, folder, options.patienceMs ?? PATIENCE_MS);
    const memory = await memoryNow();
    const grown = figures.growth.take(memory.resident);
    figures.full = memory.ranges > (options.rangesMax ?? ADDRESS_RANGES_MAX);
    figures.steps++;
    figures.transfers += played.transfers;
    count(figures.outcomes, played.outcome + (step.what === 'run' ? plantedName(step.planted) : ''));
    for (const name of played.strategy) count(figures.strategies, name);
    for (const [kind, more] of left) count(figures.leaks, kind, more);
    onStep?.(number, step, played);
    const leaked = [...left].map(([kind, more]) => `${more} ${kind}`).join(', ');
    const why = played.wrong ?? (leaked !== '' ? `left behind: ${leaked}` : null) ?? grown;
    if (why === null) continue;
    figures.failure = { number, step, why };
    break;
  }
  figures.seconds = elapsed();
  return figures;
}

/** What a step throws, or that it does not end, is wrong with it. */
async function bounded(playing: Promise<Played>): Promise<Played> {
  const wrong = (why: string): Played => ({ outcome: 'failed', wrong: why, transfers: 0, strategy: [] });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Played>((resolve) => {
    timer = setTimeout(() => resolve(wrong(`it takes more than ${STEP_MS_MAX / 1000} s`)), STEP_MS_MAX);
  });
  try {
    return await Promise.race([playing.catch((error: Error) => wrong(`thrown: ${error.stack ?? error}`)), late]);
  } finally {
    clearTimeout(timer);
  }
}
