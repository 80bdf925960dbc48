import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { freshThreads } from './fresh-threads.ts';

const timeout = 60_000;

const LATE = new URL('./test-late-thrower.js', import.meta.url).href;

test('fresh threads: what a thread throws after its report is told, and ends no process', { timeout }, async () => {
  const pool = freshThreads('side', 1);
  // Threads without a task keep no process.
  const keeper = setInterval(() => {}, timeout);
  try {
    const word = new Int32Array(new SharedArrayBuffer(4));
    assert.equal(await pool.run(word.buffer, { filename: LATE }), 'a report');
    const warned = once(process, 'warning');
    Atomics.store(word, 0, 1);
    const [warning] = (await warned) as [Error];
    assert.equal(warning.message, 'a thread failed after its report: too late');
  } finally {
    clearInterval(keeper);
    await pool.destroy();
  }
});
