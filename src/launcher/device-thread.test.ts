import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeThreadWord, standStillUntilGone, WAITING_PLACES } from '../native/test-thread-end.ts';
import type { DevicePlan } from './device-plan.ts';
import type { DeviceFault } from './device-service.ts';
import { DeviceThread } from './device-thread.ts';

/** Of a test that waits for what does not come. */
const timeout = 60_000;
const FOR_EVER = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)';
const urlOf = (module: string) => JSON.stringify(new URL(module, import.meta.url).href);

const factoryOf = (openDevice: string) =>
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from 'node:worker_threads';
    import { EntropyDevice } from ${urlOf('../devices/entropy.js')};
    import { sayThread } from ${urlOf('../native/test-thread-end.js')};
    export async function openDevice(word) { ${openDevice} }
  `)}`;

const open = (openDevice: string) =>
  DeviceThread.open({
    device: null,
    factory: factoryOf(openDevice),
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

const DEATHS: readonly (readonly [how: string, death: string, reason: string])[] = [
  ['exits', 'process.exit(7);', 'entropy: its thread ended with code 7'],
  ['throws', 'throw new Error("a fault");', 'entropy: a fault'],
  ['rejects', 'Promise.reject(new Error("a fault"));', 'entropy: a fault'],
  ['throws what has no text', 'throw { toString: 1 };', 'entropy: it threw { toString: 1 }'],
];

// The launcher's thread is busy until the other one is gone.
for (const [how, death, reason] of DEATHS)
  for (const [what, at] of WAITING_PLACES)
    test(`device thread: one that ${how} as soon as it serves is told broken, though ${what}`, {
      timeout,
    }, async () => {
      const word = makeThreadWord();
      let broken: (fault: DeviceFault) => void = () => {};
      const fault = new Promise<DeviceFault>((resolve) => {
        broken = resolve;
      });
      const thread = await DeviceThread.open({
        device: word,
        factory: factoryOf(`
          sayThread(word);
          parentPort.once('message', () => {
            parentPort.postMessage({ serving: true });
            ${death}
          });
          return new EntropyDevice();
        `),
        timed: false,
        broken,
      });
      await new Promise<void>((resolve) =>
        at(() => {
          resolve(thread.serve({} as DevicePlan));
          standStillUntilGone(word);
        }),
      );
      assert.deepEqual(await fault, { reason, byGuest: false });
      assert.deepEqual(await thread.stop(false), []);
    });

for (const [how, death, reason] of DEATHS)
  test(`device thread: one that ${how} as soon as it is open does not begin to serve, for that reason`, {
    timeout,
  }, async () => {
    const word = makeThreadWord();
    const opening = DeviceThread.open({
      device: word,
      factory: factoryOf(`
        sayThread(word);
        setImmediate(() => { ${death} });
        return new EntropyDevice();
      `),
      timed: false,
      broken: () => assert.fail('it has never served'),
    });
    standStillUntilGone(word);
    const thread = await opening;
    await assert.rejects(thread.serve({} as DevicePlan), { message: reason });
    await assert.rejects(thread.stop(false), { message: reason });
  });
