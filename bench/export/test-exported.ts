/** Runs `export` on records by hand: for tests. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { main } from '../cli.ts';
import type { RunRecord } from '../records/record.ts';

export const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

export function fileOf(records: readonly RunRecord[], more = ''): string {
  const file = join(folder, `${files++}.ndjson`);
  writeFileSync(file, records.map((record) => `${JSON.stringify(record)}\n`).join('') + more);
  return file;
}

export async function exported(args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const ended = { code: 0, out: '', err: '' };
  const to = (stream: 'out' | 'err') => (line: string) => {
    ended[stream] += `${line}\n`;
  };
  ended.code = await main(['export', ...args], { out: to('out'), err: to('err') });
  return ended;
}

/** The document, of which nothing had to be said. */
export async function textOf(format: string, records: readonly RunRecord[], ...args: string[]): Promise<string> {
  const { code, out, err } = await exported(['--format', format, fileOf(records), ...args]);
  assert.deepEqual([code, err], [0, '']);
  return out;
}
