import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { getAffinity, setAffinity } from './affinity.ts';
import { whyUnavailable } from './libc.ts';
import { cpuYield } from './scheduler.ts';

const skip = whyUnavailable() ?? false;
/** Of a wait for what does not come. */
const BOUND_MS = 60_000;

/** Yields until it is told to end, on the CPU of its maker, and counts; the count is where it can be seen. */
const PEER = `
  import { workerData } from 'node:worker_threads';
  const { cpuYield } = await import(workerData.module);
  const { setAffinity } = await import(workerData.affinity);
  setAffinity([workerData.cpu]);
  const yieldCpu = cpuYield();
  const words = new Int32Array(workerData.shared);
  while (Atomics.load(words, 0) === 0) {
    Atomics.add(words, 1, 1);
    yieldCpu();
  }
`;

test('native scheduler: a yield lets another thread of the same CPU run', { skip }, async () => {
  const yieldCpu = cpuYield()!;
  const cpus = getAffinity();
  const shared = new SharedArrayBuffer(8);
  const words = new Int32Array(shared);
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(PEER)}`), {
    workerData: {
      module: new URL('./scheduler.js', import.meta.url).href,
      affinity: new URL('./affinity.js', import.meta.url).href,
      cpu: cpus[0],
      shared,
    },
  });
  const ended = new Promise<number>((resolve) => {
    worker.once('exit', resolve);
  });
  while (Atomics.load(words, 1) === 0) await new Promise(setImmediate);
  setAffinity([cpus[0]!]);
  try {
    const before = Atomics.load(words, 1);
    // Without yields the peer would need this thread's time slice to end, again and again.
    for (const end = performance.now() + BOUND_MS; Atomics.load(words, 1) < before + 100; ) {
      assert.ok(performance.now() < end, 'the peer does not run');
      assert.equal(yieldCpu(), 0);
    }
  } finally {
    setAffinity(cpus);
    Atomics.store(words, 0, 1);
  }
  assert.equal(await ended, 0);
});
