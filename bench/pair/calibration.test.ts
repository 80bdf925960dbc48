/**
 * The calibration: what one batch of bounces does to the word and to its looks, and two threads that cannot run at the
 * same time: it ends, and says nothing.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { allocateShared } from '../../src/memory/region.ts';
import { bindBounce } from './calibration.ts';
import { allowedCpus } from './pinning.ts';

const PROGRAM = fileURLToPath(new URL('./test-calibration.js', import.meta.url));
/** Left alone, two threads that take turns by the scheduler would be at it for minutes. */
const PATIENCE_MS = 120_000;

const batches = [
  // what, serving, the word before, bounces, looks; the word after, looks left
  ['serves, and gives up without an answer', 1, 0, 1, 10, 1, 0],
  ['serves again, while the ball is away', 1, 1, 3, 10, 1, 0],
  ['returns a ball that is there', 0, 1, 1, 10, 2, 10],
  ['returns it, and waits in vain for the next', 0, 1, 2, 10, 2, 0],
  ['waits in vain for the first', 0, 0, 1, 10, 0, 0],
  ['bounces nothing', 1, 0, 0, 10, 0, 10],
] as const;
for (const [what, serving, before, bounces, looks, after, left] of batches)
  test(`calibration: a side that ${what}`, () => {
    const ball = { memory: allocateShared(1), offset: 128 };
    const words = new Int32Array(ball.memory.buffer);
    words[32] = before;
    assert.equal(bindBounce(ball)(serving, bounces, looks), left);
    assert.equal(words[32], after);
    assert.ok(words.every((word, i) => i === 32 || word === 0));
  });

const [cpu] = allowedCpus() ?? [];
const skip =
  cpu === undefined || spawnSync('taskset', ['--version']).error !== undefined ? 'needs /proc and taskset' : false;

test('calibration: two threads on one CPU give up', { skip }, () => {
  const args = ['-c', String(cpu), process.execPath, PROGRAM];
  const { stdout, signal } = spawnSync('taskset', args, { encoding: 'utf8', timeout: PATIENCE_MS });
  assert.deepEqual([signal, stdout], [null, 'null\n']);
});
