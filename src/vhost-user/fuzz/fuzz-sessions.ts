/**
 * Fuzzes vhost-user servers with sessions that were legal once (`fuzz-actions.ts`): real sockets, descriptors, devices,
 * servers and fuzzer on one event loop. Everything follows from a seed and a session's number.
 *
 * After each session it must hold that
 *
 *     the server has ended it, within a bound
 *     what ended it, and what broke its queues, is an error that has a type for a peer's misbehaviour
 *     no promise was rejected and nothing thrown with nobody there
 *     as many descriptors are open and as many files mapped as before
 *
 * and every so many sessions that the next honest frontend is served and memory has not grown. A session that fails
 * is shortened to the actions that it takes. What kills the process cannot be seen from within it: `scripts/fuzz.ts`.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay, setImmediate as loopTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type DeviceOptions, openDevice } from '../../devices/open-device.ts';
import { MappingError } from '../../native/mapping.ts';
import { RingError } from '../../ring/errors.ts';
import type { SessionSystem } from '../backend/backend-options.ts';
import { nativeSystem } from '../backend/native-system.ts';
import { type ServerEvent, VhostUserServer } from '../backend/server.ts';
import { ProtocolError } from '../messages/errors.ts';
import { LocalDevice } from '../queues/local-device.ts';
import {
  type Action,
  describeAction,
  FUZZED_DEVICES,
  type FuzzedDevice,
  fuzzedSession,
  type Target,
} from './fuzz-actions.ts';
import { FuzzFrontend } from './fuzz-frontend.ts';
import { serveHonestly } from './fuzz-honest.ts';

const DISK_BYTES = 16 * 512;
/** A frontend that does not go on is sent away. */
const MESSAGE_TIMEOUT_MS = 200;
/** No session takes so long, at any load of the machine. */
const SESSION_MS_MAX = 20_000;
const HONEST_EVERY = 25;
const MEMORY_EVERY = 500;
/** What a heap and its process may have grown by; and how many ranges of addresses. */
const HEAP_GROWTH_MAX = 16 * 2 ** 20;
const RESIDENT_GROWTH_MAX = 96 * 2 ** 20;
const RANGES_GROWTH_MAX = 200;
/** Trials in which a failing session is shortened. */
const TRIALS_MAX = 300;

/** Which device a session is for. */
export const deviceOf = (session: number): FuzzedDevice => FUZZED_DEVICES[session % FUZZED_DEVICES.length]!;

export interface FuzzOptions {
  readonly seed: number;
  /** The first session's number. Default 0. */
  readonly from?: number;
  /** Ends after so many sessions. Default: no bound. */
  readonly sessions?: number;
  /** Or after so long. Default: no bound. */
  readonly seconds?: number;
  /** Told before each session. */
  readonly starting?: (session: number) => void;
  readonly say?: (line: string) => void;
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

/** What a peer's misbehaviour may become. */
function isExpected(error: Error): boolean {
  if (error instanceof ProtocolError || error instanceof RingError || error instanceof MappingError) return true;
  return 'errno' in error && 'syscall' in error;
}

const nameOfError = (error: Error): string => (error as { code?: string }).code ?? error.name;

/** Missing pages would be this process's own to fill, which waits for them. */
const withoutPostcopy = (): SessionSystem => ({ ...nativeSystem(), openPostcopy: null });

/** A server of one device, in a folder of its own. */
class Served {
  readonly events: ServerEvent[] = [];
  readonly path: string;
  readonly target: Target;
  readonly kind: FuzzedDevice;
  private readonly folder: string;
  private readonly server: VhostUserServer;

  constructor(kind: FuzzedDevice, system = withoutPostcopy()) {
    this.kind = kind;
    this.folder = mkdtempSync(join(tmpdir(), 'vringbench-fuzz-'));
    this.path = join(this.folder, 'socket');
    const image = join(this.folder, 'disk');
    writeFileSync(image, new Uint8Array(DISK_BYTES));
    const options: Record<FuzzedDevice, DeviceOptions> = {
      block: { kind: 'block', image, queues: 2 },
      net: { kind: 'net', link: { kind: 'loopback' } },
      entropy: { kind: 'entropy' },
      console: { kind: 'console', port: { kind: 'echo' } },
    };
    const device = new LocalDevice(openDevice(options[kind]));
    this.target = { queueCount: device.queueCount, configBytes: Math.min(device.config.length, 64) };
    this.server = new VhostUserServer({
      path: this.path,
      device,
      messageTimeoutMs: MESSAGE_TIMEOUT_MS,
      system,
      report: (event) => this.events.push(event),
    });
    this.server.open();
  }

  get requests(): number {
    return this.server.stats.reduce((sum, { requests }) => sum + requests, 0);
  }

  /** Ends of connections since the events were emptied. */
  get ends(): number {
    return this.events.filter(({ kind }) => kind === 'disconnected').length;
  }

  async close(): Promise<void> {
    await this.server.close();
    rmSync(this.folder, { recursive: true });
  }
}

interface Standing {
  readonly descriptors: number;
  readonly mapped: number;
}

/** Files that are mapped: what is closed is anonymous until it is collected. */
const standing = (): Standing => ({
  descriptors: readdirSync('/proc/self/fd').length,
  mapped: readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes('memfd:')).length,
});

const difference = (before: Standing, now: Standing): string | null => {
  if (now.descriptors !== before.descriptors) return `${now.descriptors - before.descriptors} descriptors left open`;
  if (now.mapped !== before.mapped) return `${now.mapped - before.mapped} files left mapped`;
  return null;
};

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

async function waitFor(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (let turns = 0; !condition(); turns++) {
    if (performance.now() > deadline) return false;
    if (turns < 100) await loopTurn();
    else await delay(1);
  }
  return true;
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
  const thrown = unhandled.next();
  if (thrown !== null) return `unhandled: ${thrown.stack}`;
  return difference(before, standing());
}

let collect: (() => void) | undefined;

/** Memory after a collection, and what was to be given back with it. */
async function memoryNow(): Promise<{ heap: number; resident: number; ranges: number }> {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  for (let i = 0; i < 3; i++) {
    collect();
    await delay(1);
  }
  const { heapUsed: heap, rss: resident } = process.memoryUsage();
  return { heap, resident, ranges: readFileSync('/proc/self/maps', 'utf8').split('\n').length };
}

/** Servers, one a kind of device; made when they are needed. */
class Servers {
  private readonly all = new Map<FuzzedDevice, Served>();
  private readonly system: SessionSystem | undefined;

  constructor(system: SessionSystem | undefined) {
    this.system = system;
  }

  for(session: number): Served {
    const kind = deviceOf(session);
    let served = this.all.get(kind);
    if (served === undefined) {
      served = new Served(kind, this.system);
      this.all.set(kind, served);
    }
    return served;
  }

  openAll(): readonly Served[] {
    return FUZZED_DEVICES.map((_, session) => this.for(session));
  }

  async close(): Promise<void> {
    for (const served of this.all.values()) await served.close();
  }
}

/** True if these actions fail a server that has seen nothing else. */
async function failsAlone(
  session: number,
  actions: readonly Action[],
  { unhandled, system }: { unhandled: Unhandled; system: SessionSystem | undefined },
): Promise<string | null> {
  const served = new Served(deviceOf(session), system);
  try {
    return await playOne(served, actions, unhandled);
  } finally {
    await served.close();
  }
}

/** Leaves out what can be left out, in ever smaller pieces, while `fails`. At most `trials` times it is asked. */
export async function shorten<T>(
  actions: readonly T[],
  fails: (actions: readonly T[]) => Promise<boolean>,
  trials = TRIALS_MAX,
): Promise<readonly T[]> {
  let left = actions;
  let asked = 0;
  for (let size = Math.ceil(left.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < left.length && asked < trials; ) {
      const without = [...left.slice(0, at), ...left.slice(at + size)];
      asked++;
      if (await fails(without)) left = without;
      else at += size;
    }
  }
  return left;
}

/** One session alone, or a part of its actions; why it failed, or null. */
export async function playSession(seed: number, session: number, kept: readonly number[] | null = null) {
  const unhandled = new Unhandled();
  const served = new Served(deviceOf(session));
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
  const served = new Served(deviceOf(session));
  await served.close();
  const lines = fuzzedSession(seed, session, served.target).map(describeAction);
  return kept === null ? lines : kept.map((i) => lines[i]!);
}

/** Runs until a bound is reached or a session fails. */
export async function fuzzSessions(options: FuzzOptions): Promise<FuzzFigures> {
  const { seed, from = 0, sessions = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY } = options;
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const ends = new Map<string, number>();
  const events = new Map<string, number>();
  const count = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1);
  const unhandled = new Unhandled();
  const servers = new Servers(options.system);
  const all = servers.openAll();
  let connections = 0;
  let failure: FuzzFailure | null = null;
  let memory: Awaited<ReturnType<typeof memoryNow>> | null = null;
  let session = from;
  try {
    const unfit = await honestlyServed(all);
    if (unfit !== null) throw new Error(unfit);
    for (; session < from + sessions && elapsed() < seconds && failure === null; session++) {
      options.starting?.(session);
      const served = servers.for(session);
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
        const again = async (some: readonly Action[]) =>
          (await failsAlone(session, some, { unhandled, system: options.system }))?.split('\n')[0] === first;
        const alone = await again(actions);
        failure = { session, why, alone, actions: alone ? await shorten(actions, again) : actions };
        break;
      }
      const done = session - from + 1;
      if (done % HONEST_EVERY === 0) why = await honestlyServed(all);
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

const mega = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;

/** Every device serves an honest frontend; what is wrong, or null. */
async function honestlyServed(all: readonly Served[]): Promise<string | null> {
  const before = standing();
  for (const served of all) {
    const ended = served.ends;
    try {
      await serveHonestly(served.path, served.kind);
    } catch (error) {
      return `the next honest frontend of the ${served.kind} device: ${(error as Error).stack}`;
    }
    if (!(await waitFor(() => served.ends > ended, SESSION_MS_MAX))) return 'an honest session is not over';
  }
  await loopTurn();
  return difference(before, standing());
}

type Memory = Awaited<ReturnType<typeof memoryNow>>;

function growth(before: Memory, now: Memory): string | null {
  if (now.heap > before.heap + HEAP_GROWTH_MAX) return `the heap grew from ${mega(before.heap)} to ${mega(now.heap)}`;
  if (now.resident > before.resident + RESIDENT_GROWTH_MAX)
    return `the process grew from ${mega(before.resident)} to ${mega(now.resident)}`;
  if (now.ranges > before.ranges + RANGES_GROWTH_MAX)
    return `${now.ranges - before.ranges} more ranges of addresses are mapped`;
  return null;
}
