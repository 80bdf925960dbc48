/** Tiny whole sweeps of four cells, for tests: run in the test's own process, interrupted, and read back. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { main } from '../cli.ts';
import type { Hooks } from '../command-line/command.ts';
import { type RunRecord, recordSchema } from '../records/record.ts';

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));

export const TINY = ['--transfers', '2k', '--warmup', '0', '--cpus', 'same'];
export const ONCE = ['--repeat', '1'];
export const TWICE = ['--repeat', '2'];
export const AXES = ['--eventidx', 'on,off', '--batch', '16,4'];
export const CELLS = 4;

export const fileOf = (name: string) => join(folder, `${name}.ndjson`);
export const recordsIn = (file: string): RunRecord[] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => recordSchema.parse(JSON.parse(line)))
    : [];
export const taskOf = ({ config, sweep }: RunRecord) => `${config.eventidx} ${config.batch} ${sweep!.repetition}`;

interface Ended {
  code: number;
  out: string;
  err: string;
  seed: number;
}

export async function matrix(file: string, args: readonly string[] = ONCE, hooks: Hooks = {}): Promise<Ended> {
  const size = args.includes('--transfers') ? [] : TINY;
  const out: string[] = [];
  const err: string[] = [];
  const lines = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) };
  const code = await main(['matrix', ...AXES, ...size, '--out', file, ...args], lines, hooks);
  return { code, out: out.join('\n'), err: err.join('\n'), seed: Number(/seed (\d+)/.exec(out[0] ?? '')?.[1]) };
}

/** Interrupts when so many tasks have begun: `faultIn` is asked before each. */
export function interruptedAt(begun: number): Hooks {
  const controller = new AbortController();
  let count = 0;
  const faultIn = () => {
    if (++count === begun) controller.abort();
    return false;
  };
  return { signal: () => controller.signal, faultIn };
}
