import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { getAffinity, setAffinity } from './affinity.ts';
import { whyUnavailable } from './libc.ts';

const skip = whyUnavailable() ?? false;

const asItCame = skip === false ? getAffinity() : [];
after(() => {
  if (skip === false) setAffinity(asItCame);
});

/** As the kernel tells it: `0-3,8`. */
function listOf(thread: string): string {
  return /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync(`/proc/${thread}/status`, 'utf8'))![1]!;
}

function cpusOf(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

test('native affinity: as the kernel tells it', { skip }, () => {
  assert.deepEqual(getAffinity(), cpusOf(listOf('thread-self')));
});

test('native affinity: one CPU, and all again', { skip }, () => {
  for (const cpu of asItCame) {
    setAffinity([cpu]);
    assert.deepEqual(getAffinity(), [cpu]);
    assert.equal(listOf('thread-self'), String(cpu));
  }
  setAffinity(asItCame);
  assert.deepEqual(getAffinity(), asItCame);
});

test('native affinity: of the calling thread alone', { skip }, async () => {
  const program = `
    import { parentPort } from 'node:worker_threads';
    const { getAffinity, setAffinity } = await import(${JSON.stringify(new URL('./affinity.js', import.meta.url).href)});
    setAffinity(getAffinity().slice(0, 1));
    parentPort.postMessage(getAffinity());
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`));
  const its = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  await worker.terminate();
  assert.deepEqual(its, asItCame.slice(0, 1));
  assert.deepEqual(getAffinity(), asItCame);
});

for (const cpus of [[-1], [1024], [0.5], [Number.NaN]])
  test(`native affinity: no CPU: ${cpus}`, { skip }, () => {
    assert.throws(() => setAffinity([0, ...cpus]), new RangeError(`CPU ${cpus}: 0 to 1023`));
  });

for (const cpus of [[], [1023]])
  test(`native affinity: none of the machine's: [${cpus}]`, { skip }, () => {
    assert.throws(() => setAffinity(cpus), { code: 'EINVAL', syscall: 'sched_setaffinity' });
    assert.deepEqual(getAffinity(), asItCame);
  });
