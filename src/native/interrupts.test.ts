/** Timers that interrupt calls end with their threads, however those end. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { interruptingTimers } from './interrupts.ts';
import { whyUnavailable } from './libc.ts';

const skip = whyUnavailable() ?? (existsSync('/proc/self/timers') ? false : 'needs /proc/self/timers');

/** Has a timer until it is told to exit, or terminated. */
const THREAD = `
  import { parentPort } from 'node:worker_threads';
  const { boundBlockedCalls } = await import(${JSON.stringify(new URL('./interrupts.js', import.meta.url).href)});
  boundBlockedCalls();
  parentPort.once('message', () => process.exit());
  parentPort.postMessage('bounded');
`;

async function startThread(): Promise<Worker> {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(THREAD)}`));
  await new Promise((resolve) => worker.once('message', resolve));
  return worker;
}

async function exit(worker: Worker): Promise<void> {
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  worker.postMessage('exit');
  await ended;
}

test('native interrupts: a thread that exits takes its timer with it', { skip }, async () => {
  const before = interruptingTimers();
  const worker = await startThread();
  assert.equal(interruptingTimers().length, before.length + 1);
  await exit(worker);
  assert.deepEqual(interruptingTimers(), before);
});

test('native interrupts: timers of terminated threads are deleted by the next thread, and no other', {
  skip,
}, async () => {
  const before = interruptingTimers();
  const living = await startThread();
  const terminated = [await startThread(), await startThread()];
  for (const worker of terminated) await worker.terminate();
  const next = await startThread();
  assert.equal(interruptingTimers().length, before.length + 2);
  await exit(next);
  await exit(living);
  assert.deepEqual(interruptingTimers(), before);
});
