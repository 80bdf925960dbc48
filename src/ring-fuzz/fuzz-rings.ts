/**
 * Fuzzes rings: hostile guests against each host half, hostile hosts against the guest half, every answer and every
 * byte compared with an oracle's (`src/ring-oracle`). Everything follows from a seed and a case's number.
 *
 * It finds an answer, an error, a write or a ring of the doorbell that differs; an exception that is no RingError; a
 * word read twice; an access outside of regions; a call without end; a list, or a heap, that grows. A case that fails
 * is shortened, acts during calls too. What holds the process is seen from outside: `scripts/fuzz.ts`.
 */
import type { FuzzBounds } from '../fuzz/bounds.ts';
import { growth, type Memory, mega, memoryNow } from '../fuzz/growth.ts';
import { Random } from '../fuzz/random.ts';
import { shorten } from '../fuzz/shorten.ts';
import { Disagreement } from '../ring-oracle/reads.ts';
import { ALL_HALVES, type Halves } from './halves.ts';
import { makeGuestCase } from './make-guest-case.ts';
import { makeHostCase } from './make-host-case.ts';
import { GuestPlayer } from './play-guest.ts';
import { HostPlayer } from './play-host.ts';
import { isCall, type RingCase, type Step } from './ring-case.ts';
import { World } from './world.ts';

const MEMORY_EVERY = 20_000;
/** Two of them for host halves, which have more faces, and one for the guest half. */
const CASES_A_TURN = 3;
/** So that interruptions are heard. */
const TURN_EVERY = 200;

export interface RingFuzzOptions extends FuzzBounds {
  /** The ends in turn. Default: all of ours. */
  readonly halves?: readonly Halves[];
}

export interface RingFailure {
  readonly number: number;
  readonly why: string;
  /** The case, shortened if it fails alone. */
  readonly failing: RingCase;
}

export interface RingFuzzFigures {
  readonly cases: number;
  readonly calls: number;
  /** Requests that came through, by half or face. */
  readonly requests: ReadonlyMap<string, number>;
  /** What was refused, by code: in how many cases. */
  readonly refusals: ReadonlyMap<string, number>;
  readonly seconds: number;
  readonly failure: RingFailure | null;
}

/** The case of a seed and a number. */
export function ringCase(seed: number, number: number): RingCase {
  const random = Random.of(seed, number);
  return number % CASES_A_TURN === 2 ? makeGuestCase(random) : makeHostCase(random);
}

/** Those that can be watched come more often: more is seen of them. */
const OURS: readonly Halves[] = [ALL_HALVES.typescript, ...Object.values(ALL_HALVES)];

/** The ends that a case is played on: three cases, of both halves, then the next ones. */
export const halvesOf = (number: number, all: readonly Halves[] = OURS): Halves =>
  all[Math.floor(number / CASES_A_TURN) % all.length]!;

interface Played {
  readonly requests: number;
  /** Codes of errors, one for each call that threw. */
  readonly refusals: readonly string[];
  /** What went wrong at which step, or null. */
  readonly why: string | null;
  /** It alone: the same for another case that fails for the same reason. */
  readonly kind: string;
}

let shared: World | null = null;

export function playCase(one: RingCase, halves: Halves): Played {
  shared ??= new World();
  let player: HostPlayer | GuestPlayer;
  try {
    player = one.half === 'host' ? new HostPlayer(shared, one, halves) : new GuestPlayer(shared, one, halves);
  } catch (error) {
    const found = whatWasThrown(error);
    return { requests: 0, refusals: [], why: `set-up: ${found}`, kind: `set-up ${kindOf(found)}` };
  }
  for (const [i, step] of one.steps.entries()) {
    try {
      // The steps of a case are those of its half.
      player.play(step as never);
    } catch (error) {
      const found = whatWasThrown(error);
      const what = isCall(step) ? step.call : step.act;
      const { requests, refusals } = player;
      return { requests, refusals, why: `step ${i}, ${what}: ${found}`, kind: `${what} ${kindOf(found)}` };
    }
  }
  return { requests: player.requests, refusals: player.refusals, why: null, kind: '' };
}

const whatWasThrown = (error: unknown): string =>
  error instanceof Disagreement ? error.message : String((error as Error).stack ?? error);

/** A message without its numbers. */
const kindOf = (message: string) => message.split('\n')[0]!.replaceAll(/0x[0-9a-f]+|\d+/g, 'N');

/** Leaves out steps, then acts during calls, while the case fails for the same reason. */
async function shortenCase(one: RingCase, halves: Halves, trying: () => void): Promise<RingCase> {
  const { kind } = playCase(one, halves);
  const withSteps = (steps: readonly Step[]) => ({ ...one, steps }) as RingCase;
  const fails = async (steps: readonly Step[]) => {
    trying();
    return playCase(withSteps(steps), halves).kind === kind;
  };
  let steps = await shorten(one.steps as readonly Step[], fails);
  for (const [i, step] of steps.entries()) {
    if (!isCall(step) || step.during === undefined) continue;
    const { during, ...call } = step;
    const put = (acts: readonly unknown[]) =>
      steps.map((other, j) => (j !== i ? other : ((acts.length === 0 ? call : { ...call, during: acts }) as Step)));
    const kept = await shorten(during as readonly unknown[], (acts) => fails(put(acts)));
    steps = put(kept);
  }
  // What only acts during calls kept alive may now be left out.
  return withSteps(await shorten(steps, fails));
}

/** A case as a line of the table of regressions. */
export const describeCase = (what: string, one: RingCase): string =>
  `  { what: ${JSON.stringify(what)}, one: ${JSON.stringify(one)} },`;

/** Runs until a bound is reached or a case fails. */
export async function fuzzRings(options: RingFuzzOptions): Promise<RingFuzzFigures> {
  const { seed, from = 0, cases = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY } = options;
  const { halves: all = OURS } = options;
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const requests = new Map<string, number>();
  const refusals = new Map<string, number>();
  const count = (map: Map<string, number>, key: string, by = 1) => map.set(key, (map.get(key) ?? 0) + by);
  let calls = 0;
  let failure: RingFailure | null = null;
  let memory: Memory | null = null;
  let number = from;
  for (; number < from + cases && elapsed() < seconds && failure === null; number++) {
    const done = number - from;
    if (done % TURN_EVERY === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      if (options.signal?.aborted === true) break;
    }
    options.starting?.(number);
    const one = ringCase(seed, number);
    const halves = halvesOf(number, all);
    const played = playCase(one, halves);
    calls += one.steps.filter(isCall).length;
    count(requests, one.half === 'host' ? one.face : 'guest', played.requests);
    for (const code of new Set(played.refusals)) count(refusals, code);
    if (played.why !== null) {
      const failing = await shortenCase(one, halves, () => options.starting?.(number));
      failure = { number, why: playCase(failing, halves).why ?? played.why, failing };
    } else if (done % MEMORY_EVERY === MEMORY_EVERY - 1) {
      const now = await memoryNow();
      // The first figures are those of a warm process.
      memory ??= now;
      const why = growth(memory, now);
      options.say?.(`${done + 1} cases, ${Math.round(elapsed())} s, heap ${mega(now.heap)}`);
      if (why !== null) failure = { number, why, failing: one };
    }
  }
  return { cases: number - from, calls, requests, refusals, seconds: elapsed(), failure };
}
