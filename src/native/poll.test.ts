import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { closeEventfd, openEventfd } from './eventfd.ts';
import { whyUnavailable } from './libc.ts';
import { waitReadable } from './poll.ts';

const skip = whyUnavailable() ?? false;

const bounds: [what: string, timeoutMs: number, atLeastMs: number][] = [
  ['none', 0, 0],
  ['one that has passed', -5, 0],
  // A millisecond of the kernel's clock may look a little shorter by the engine's.
  ['less than the kernel counts in', 0.001, 0.9],
  ['a fraction', 2.5, 2.9],
];
for (const [what, timeoutMs, atLeastMs] of bounds)
  test(`native poll: a wait in vain lasts as long as its bound, rounded up: ${what}`, { skip }, () => {
    const descriptor = openEventfd();
    const start = performance.now();
    assert.equal(waitReadable(descriptor, timeoutMs), false);
    const lastedMs = performance.now() - start;
    closeEventfd(descriptor);
    assert.ok(lastedMs >= atLeastMs, `${lastedMs} ms`);
  });

/** Sends its process a signal every few milliseconds until told to stop; or for so long that the test must fail. */
const SIGNALLER = `
  import { workerData } from 'node:worker_threads';
  const words = new Int32Array(workerData);
  for (let i = 0; i < 5000 && Atomics.load(words, 0) === 0; i++) {
    process.kill(process.pid, 'SIGUSR2');
    Atomics.wait(words, 0, 0, 5);
  }
  Atomics.store(words, 1, 1);
`;

test('native poll: signals neither end a wait nor prolong it', { skip }, async () => {
  let signals = 0;
  const count = () => signals++;
  process.on('SIGUSR2', count);
  const words = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(SIGNALLER)}`), {
    workerData: words.buffer,
  });
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  while (signals === 0) await new Promise(setImmediate);
  const descriptor = openEventfd();
  assert.equal(waitReadable(descriptor, 100), false);
  const [told, outlasted] = words;
  Atomics.store(words, 0, 1);
  Atomics.notify(words, 0);
  closeEventfd(descriptor);
  assert.equal(await ended, 0);
  process.off('SIGUSR2', count);
  assert.deepEqual([told, outlasted], [0, 0], 'the wait ended while signals still came');
});
