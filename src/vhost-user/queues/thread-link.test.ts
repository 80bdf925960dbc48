import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeThreadWord } from '../../native/test-thread-end.ts';
import { ThreadLink } from './thread-link.ts';
import { STATS } from './thread-messages.ts';

const timeout = 60_000;
const ECHO = JSON.stringify(new URL('../backend/test-echo-device.js', import.meta.url).href);

/**
 * A device whose thread throws once it has described itself. A thread of its own, busy in another process for a second,
 * keeps the engine from ending it at once: the error then has come, and the end has not.
 */
const FACTORY = `data:text/javascript,${encodeURIComponent(`
  import { once } from 'node:events';
  import { Worker } from 'node:worker_threads';
  import { EchoDevice } from ${ECHO};
  export async function openDevice({ word, thrown }) {
    const program = "require('worker_threads').parentPort.postMessage(0); require('child_process').spawnSync('sleep', [1])";
    await once(new Worker(program, { eval: true }), 'message');
    process.on('exit', () => {
      Atomics.store(new Int32Array(word), 0, 1);
      Atomics.notify(new Int32Array(word), 0);
    });
    const device = new EchoDevice({});
    const { config } = device;
    Object.defineProperty(device, 'config', { get() { setImmediate(() => { throw eval(thrown); }); return config; } });
    return device;
  }
`)}`;

/** For what the thread throws, after it has said that it will, to be on its way. Milliseconds. */
const ON_ITS_WAY_MS = 100;

for (const [what, thrown, reason] of [
  ['throws', 'new Error("a fault")', 'a fault'],
  ['throws what is no error', '({ toString: 1 })', 'it threw { toString: 1 }'],
] as const)
  test(`thread link: of a thread that answers and then ${what}, the answer counts, and the reason`, {
    timeout,
  }, async () => {
    const word = makeThreadWord();
    let died: () => void = () => {};
    const death = new Promise<void>((resolve) => {
      died = resolve;
    });
    const link = new ThreadLink({
      task: {
        factory: FACTORY,
        options: { word, thrown },
        pollUs: 0,
        cpus: null,
        stats: new SharedArrayBuffer(8 * STATS.length),
        callsDue: new Int32Array(new SharedArrayBuffer(4)),
      },
      timeoutMs: timeout,
      onEvent: () => assert.fail('no queue has started'),
      onDeath: died,
    });
    const describing = link.call({ call: 'describe' });
    // This thread takes no message meanwhile.
    Atomics.wait(new Int32Array(word), 0, 0, timeout);
    Atomics.wait(new Int32Array(makeThreadWord()), 0, 0, ON_ITS_WAY_MS);
    assert.equal((await describing).queueCount, 1);
    await death;
    assert.equal(link.dead?.message, reason);
    await link.close();
  });
