/** Runs the parallel benchmark in the test's own process and returns its validated record. */
import { main } from '../cli.ts';
import type { Hooks } from '../command-line/command.ts';
import { type RunRecord, recordSchema } from '../records/record.ts';

export interface Measured {
  code: number;
  out: string[];
  err: string[];
  record: RunRecord;
}

/** Tests of what is counted need no steady loops, nor what the machine and the harness cost. */
const warmUpOf = (args: readonly string[]) => (args.includes('--warmup') ? [] : ['--warmup', '20k']);

export async function measure(args: readonly string[], hooks: Hooks = {}): Promise<Measured> {
  const out: string[] = [];
  const err: string[] = [];
  const lines = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) };
  const code = await main(['--parallel', '--json', '--out', 'none', ...warmUpOf(args), ...args], lines, {
    harness: false,
    crossing: false,
    ...hooks,
  });
  return { code, out, err, record: recordSchema.parse(JSON.parse(out[0] ?? '')) };
}
