/** One step of a soak, whatever it is: played to its end, and judged. */
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { CombinationError, parseRunOptions } from '../../bench/run/options.ts';
import { placementOf } from '../../bench/run/placement.ts';
import { type RepetitionOptions, runRepetition } from '../../bench/run/repetition.ts';
import { ConsoleDevice } from '../../src/devices/console.ts';
import { StreamPort } from '../../src/devices/console-port.ts';
import { workerCpu } from '../../src/launcher/cpu/worker-cpu.ts';
import { GUESTS } from '../../src/launcher/guests.ts';
import { launch } from '../../src/launcher/launcher.ts';
import { playSession } from '../../src/vhost-user/fuzz/fuzz-sessions.ts';
import { childrenNow } from './held.ts';
import { type SoakOutcome, wrongEnd } from './outcomes.ts';
import type { Step } from './plan.ts';
import type { Planted } from './planted.ts';

export interface Played {
  outcome: SoakOutcome;
  /** What is wrong with it, or null. */
  wrong: string | null;
  transfers: number;
  /** The strategy: doorbell, ordering, host. */
  strategy: readonly string[];
}

const MEMORY_MB = 4;

/** @param signal ends what can be ended early; what was is judged by nobody. */
export async function play(step: Step, signal: AbortSignal): Promise<Played> {
  if (step.what === 'run') return await playRun(step.args, step.planted, signal);
  const wrong = step.what === 'launch' ? await playLaunch() : await playSession(step.session, 0);
  return { outcome: wrong === null ? 'done' : 'failed', wrong, transfers: 0, strategy: [step.what] };
}

async function playRun(args: readonly string[], planted: Planted | null, signal: AbortSignal): Promise<Played> {
  const { config } = options(args) ?? {};
  if (config === undefined) return { outcome: 'refused', wrong: null, transfers: 0, strategy: ['refused'] };
  const strategy = [config.doorbell, config.ordering, config.host];
  const ended = new AbortController();
  const stop = () => ended.abort();
  const outside = planted?.kind === 'kill' || planted?.kind === 'interrupt' ? planted : null;
  const late = new AbortController();
  const act = outside === null ? null : fromOutside(outside, stop, late.signal);
  signal.addEventListener('abort', stop);
  const given: RepetitionOptions = {
    signal: ended.signal,
    fault: planted === null || outside !== null ? undefined : inside(planted),
  };
  try {
    const result = await runRepetition(config, placementOf(config), given);
    const { outcome } = result;
    return { outcome, wrong: wrongEnd(config, planted, result), transfers: config.transfers * config.pairs, strategy };
  } finally {
    late.abort();
    await act;
    signal.removeEventListener('abort', stop);
  }
}

/** Null: these cannot be combined. */
function options(args: readonly string[]) {
  try {
    return parseRunOptions(['--parallel', ...args]);
  } catch (error) {
    if (error instanceof CombinationError) return null;
    throw error;
  }
}

/** The fault of bench/pair/faults.ts, for what is one. */
function inside({ kind, side, transfer, pair }: Planted): NonNullable<RepetitionOptions['fault']> {
  if (kind === 'kill' || kind === 'interrupt') throw new TypeError(`${kind} comes from outside`);
  return { kind, side, transfer, pair };
}

/** Kills a pair's process, or interrupts the run, at its time; unless the run is over. */
async function fromOutside({ kind, afterMs }: Planted, stop: () => void, over: AbortSignal): Promise<void> {
  try {
    await delay(afterMs, undefined, { signal: over });
  } catch {
    return;
  }
  if (kind === 'interrupt') stop();
  else for (const child of childrenNow().slice(0, 1)) process.kill(child, 'SIGKILL');
}

/** A guest that says hello; why it did not, or null. */
async function playLaunch(): Promise<string | null> {
  const output = new PassThrough();
  const { guest } = await launch({
    cpu: workerCpu,
    memoryMb: MEMORY_MB,
    entry: GUESTS.hello!.entry,
    args: ['soak'],
    devices: [{ kind: 'net', link: { kind: 'loopback' }, mac: Uint8Array.of(2, 0, 0, 0, 0, 1) }],
    console: new ConsoleDevice({ port: new StreamPort(new PassThrough(), output) }),
    print: () => {},
  });
  output.end();
  const said = (output.read() as Buffer | null)?.toString() ?? '';
  if (guest.how !== 'halted') return `launch: the guest ${guest.how}`;
  return said.startsWith('Hello from the guest') ? null : `launch: the guest says ${JSON.stringify(said)}`;
}
