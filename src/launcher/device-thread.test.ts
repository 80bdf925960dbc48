import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DevicePlan } from './device-plan.ts';
import { DeviceThread } from './device-thread.ts';

/** Of a test that waits for what does not come. */
const timeout = 60_000;
const FOR_EVER = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)';
const entropy = JSON.stringify(new URL('../devices/entropy.js', import.meta.url).href);

const open = (openDevice: string) =>
  DeviceThread.open({
    device: null,
    factory: `data:text/javascript,${encodeURIComponent(`
      import { parentPort } from 'node:worker_threads';
      import { EntropyDevice } from ${entropy};
      export async function openDevice() { ${openDevice} }
    `)}`,
    timed: false,
    broken: () => assert.fail('it has never served'),
    answerTimeoutMs: 500,
  });

for (const [what, openDevice] of [
  ['resolves never', 'await new Promise((resolve) => parentPort.on("message", resolve));'],
  ['blocks its thread', `${FOR_EVER};`],
] as const)
  test(`device thread: a device whose opening ${what} is a failure, after a bounded time`, { timeout }, async () => {
    await assert.rejects(open(openDevice), { message: 'device: its thread did not answer within 500 ms' });
  });

test('device thread: one that does not begin to serve is a failure, after a bounded time', { timeout }, async () => {
  const thread = await open(`parentPort.once('message', () => ${FOR_EVER}); return new EntropyDevice();`);
  const { name } = thread.description;
  // It never gets as far as to look at the plan.
  await assert.rejects(thread.serve({} as DevicePlan), { message: `${name}: its thread did not answer within 500 ms` });
  assert.deepEqual(await thread.stop(false), []);
});
