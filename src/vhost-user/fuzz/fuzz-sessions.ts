/**
 * Fuzzes vhost-user servers with sessions that were legal once (`fuzz-mutations.ts`): real sockets, descriptors, devices,
 * servers and fuzzer on one event loop. Everything follows from a seed and a session's number.
 *
 * After each session it must hold that
 *
 *     the server has ended it, within a bound
 *     what ended it, and what broke its queues, is an error that has a type for a peer's misbehaviour
 *     what was refused has changed nothing (`fuzz-refusals.ts`)
 *     no promise was rejected and nothing thrown with nobody there
 *     as many descriptors are open and as many files mapped as before
 *
 * and every so many sessions that the next honest frontend is served, also one that interrupts its own queues at any
 * moment (`fuzz-interrupted.ts`), and memory has not grown. A session that fails
 * is shortened to the actions that it takes. What kills the process cannot be seen from within it: `scripts/fuzz.ts`.
 */
import { setImmediate as loopTurn } from 'node:timers/promises';
import type { FuzzBounds } from '../../fuzz/bounds.ts';
import { growth, type Memory, mega, memoryNow } from '../../fuzz/growth.ts';
import { Random } from '../../fuzz/random.ts';
import { shorten } from '../../fuzz/shorten.ts';
import { MappingError } from '../../native/mapping.ts';
import { RingError } from '../../ring/errors.ts';
import type { SessionSystem } from '../backend/backend-options.ts';
import { ProtocolError } from '../messages/errors.ts';
import { type Action, describeAction } from './fuzz-actions.ts';
import { FuzzFrontend } from './fuzz-frontend.ts';
import { fuzzedSession } from './fuzz-mutations.ts';
import { deviceOf, interruptOne, SESSION_MS_MAX, Served, Servers, serveOne, waitFor } from './fuzz-served.ts';
import { differenceFrom, standing } from './fuzz-standing.ts';

const HONEST_EVERY = 25;
const MEMORY_EVERY = 500;

export interface FuzzOptions extends FuzzBounds {
  /** What the servers have instead of the operating system. Default: libc, without postcopy. */
  readonly system?: SessionSystem;
}

export interface FuzzFailure {
  readonly session: number;
  readonly why: string;
  /** The session's actions that it takes. */
  readonly actions: readonly Action[];
  /** It also fails alone, without the sessions before it. */
  readonly alone: boolean;
}

export interface FuzzFigures {
  readonly sessions: number;
  readonly connections: number;
  readonly seconds: number;
  /** Why connections ended: the code or name of the error, how often. */
  readonly ends: ReadonlyMap<string, number>;
  /** Why requests were refused and queues broken. */
  readonly events: ReadonlyMap<string, number>;
  /** Requests completed. */
  readonly requests: number;
  readonly failure: FuzzFailure | null;
}

/** What a peer's misbehaviour may become; of another thread's errors only name and message arrive. */
const EXPECTED: ReadonlySet<string> = new Set([ProtocolError.name, RingError.name, MappingError.name]);
const SYSTEM_ERROR = /^E[A-Z0-9]+: /;

const isExpected = (error: Error): boolean =>
  EXPECTED.has(error.name) || (error.name === 'Error' && SYSTEM_ERROR.test(error.message));

const nameOfError = (error: Error): string => (error as { code?: string }).code ?? error.name;

/** What nobody waited for, while this exists. */
class Unhandled {
  private first: Error | null = null;

  constructor() {
    process.on('unhandledRejection', this.take);
    process.on('uncaughtException', this.take);
  }

  close(): void {
    process.off('unhandledRejection', this.take);
    process.off('uncaughtException', this.take);
  }

  /** The first since this was asked. */
  next(): Error | null {
    const { first } = this;
    this.first = null;
    return first;
  }

  private readonly take = (error: unknown): void => {
    this.first ??= error instanceof Error ? error : new Error(String(error));
  };
}

/** Plays one session; why it failed, or null. */
async function playOne(served: Served, actions: readonly Action[], unhandled: Unhandled): Promise<string | null> {
  const before = standing();
  served.events.length = 0;
  unhandled.next();
  const frontend = new FuzzFrontend(served.path, served.target.queueCount);
  try {
    frontend.connect();
    await frontend.play(actions);
  } finally {
    frontend.close();
  }
  if (!(await waitFor(() => served.ends >= frontend.connections, SESSION_MS_MAX)))
    return `not over after ${SESSION_MS_MAX} ms`;
  await loopTurn();
  for (const event of served.events) {
    const error = 'error' in event ? event.error : null;
    if (error !== null && !isExpected(error)) return `${event.kind}: ${error.stack ?? error}`;
  }
  const changed = served.refusals.take();
  if (changed !== null) return changed;
  const thrown = unhandled.next();
  if (thrown !== null) return `unhandled: ${thrown.stack}`;
  return await differenceFrom(before);
}

/** True if these actions fail a server that has seen nothing else. */
async function failsAlone(
  session: number,
  actions: readonly Action[],
  { unhandled, system }: { unhandled: Unhandled; system: SessionSystem | undefined },
): Promise<string | null> {
  const served = await Served.open(deviceOf(session), system);
  try {
    return await playOne(served, actions, unhandled);
  } finally {
    await served.close();
  }
}

/** One session alone, or a part of its actions; why it failed, or null. */
export async function playSession(seed: number, session: number, kept: readonly number[] | null = null) {
  const unhandled = new Unhandled();
  const served = await Served.open(deviceOf(session));
  try {
    const actions = fuzzedSession(seed, session, served.target);
    return await playOne(served, kept === null ? actions : kept.map((i) => actions[i]!), unhandled);
  } finally {
    await served.close();
    unhandled.close();
  }
}

/** The actions of a session, as lines. */
export async function describeSession(seed: number, session: number, kept: readonly number[] | null = null) {
  const served = await Served.open(deviceOf(session));
  await served.close();
  const lines = fuzzedSession(seed, session, served.target).map(describeAction);
  return kept === null ? lines : kept.map((i) => lines[i]!);
}

/** Runs until a bound is reached or a session fails. */
export async function fuzzSessions(options: FuzzOptions): Promise<FuzzFigures> {
  const { seed, from = 0, cases = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY } = options;
  const started = performance.now();
  const stopped = () => options.signal?.aborted ?? false;
  const elapsed = () => (performance.now() - started) / 1000;
  const ends = new Map<string, number>();
  const events = new Map<string, number>();
  const count = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1);
  const unhandled = new Unhandled();
  const servers = new Servers(options.system);
  const all = await servers.openAll();
  let connections = 0;
  let failure: FuzzFailure | null = null;
  let memory: Memory | null = null;
  let session = from;
  try {
    for (; session < from + cases && elapsed() < seconds && failure === null && !stopped(); session++) {
      options.starting?.(session);
      const served = await servers.for(session);
      const actions = fuzzedSession(seed, session, served.target);
      let why = await playOne(served, actions, unhandled);
      for (const event of served.events) {
        if (event.kind === 'disconnected')
          count(ends, event.error === null ? 'the frontend' : nameOfError(event.error));
        else if ('error' in event) count(events, `${event.kind} ${nameOfError(event.error)}`);
      }
      connections += served.ends;
      if (why !== null) {
        const first = why.split('\n')[0]!;
        const again = async (some: readonly Action[]) => {
          options.starting?.(session);
          if (stopped()) return false;
          const found = await failsAlone(session, some, { unhandled, system: options.system });
          return found?.split('\n')[0] === first;
        };
        const alone = await again(actions);
        failure = { session, why, alone, actions: alone ? await shorten(actions, again) : actions };
        break;
      }
      const done = session - from + 1;
      if (done % HONEST_EVERY === 0) why = await honestlyServed(all, Random.of(seed, session));
      if (why === null && done % MEMORY_EVERY === 0) {
        const now = await memoryNow();
        // The first figures are those of a warm process.
        memory ??= now;
        why = growth(memory, now);
        options.say?.(
          `${done} sessions, ${Math.round(elapsed())} s, heap ${mega(now.heap)}, resident ${mega(now.resident)}`,
        );
      }
      if (why !== null) failure = { session, why, alone: false, actions };
    }
  } finally {
    unhandled.close();
    await servers.close();
  }
  const requests = all.reduce((sum, served) => sum + served.requests, 0);
  return { sessions: session - from, connections, seconds: elapsed(), ends, events, requests, failure };
}

/** The same with every device, and that nothing is left. */
async function honestlyServed(all: readonly Served[], random: Random): Promise<string | null> {
  const before = standing();
  for (const served of all) {
    const wrong = (await serveOne(served)) ?? (await interruptOne(served, random));
    if (wrong !== null) return wrong;
  }
  await loopTurn();
  return await differenceFrom(before);
}
