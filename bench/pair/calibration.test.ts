/** The calibration where its threads cannot run at the same time: it ends, and says nothing. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { allowedCpus } from './pinning.ts';

const PROGRAM = fileURLToPath(new URL('./test-calibration.js', import.meta.url));
/** Left alone, two threads that take turns by the scheduler would be at it for minutes. */
const PATIENCE_MS = 120_000;

const [cpu] = allowedCpus() ?? [];
const skip =
  cpu === undefined || spawnSync('taskset', ['--version']).error !== undefined ? 'needs /proc and taskset' : false;

test('calibration: two threads on one CPU give up', { skip }, () => {
  const args = ['-c', String(cpu), process.execPath, PROGRAM];
  const { stdout, signal } = spawnSync('taskset', args, { encoding: 'utf8', timeout: PATIENCE_MS });
  assert.deepEqual([signal, stdout], [null, 'null\n']);
});
