/** Files of spoilt records, and one of clean ones, in a folder that goes when the tests have ended. For tests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { sampleRun } from './test-samples.ts';

export const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));

/** Written anew at each call with the same name. */
export function fileOf(name: string, lines: readonly string[]): string {
  const file = join(folder, `${name}.ndjson`);
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  return file;
}

export const clean = fileOf('clean', [JSON.stringify(sampleRun())]);
