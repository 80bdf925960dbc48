/** The watcher in processes and threads of their own: what keeps them, what ends them, what they leave. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { whyUnavailable } from './libc.ts';
import { openDescriptors } from './test-leaks.ts';

const skip = whyUnavailable() ?? false;
/** Of a test that waits for what does not come. */
const timeout = 60_000;

const urlOf = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
const IMPORTS = `
  const { openEventfd, addEventfd, takeEventfd, closeEventfd } = await import(${urlOf('./eventfd.js')});
  const { threadWatcher } = await import(${urlOf('./watcher.js')});
  const watcher = threadWatcher();
  const eventfd = openEventfd();
`;

/** What a process of its own prints, which must end by itself. */
const programPrints = (program: string) =>
  execFileSync(process.execPath, ['--input-type=module', '-e', IMPORTS + program], {
    encoding: 'utf8',
    timeout: 50_000,
  });

test('native watcher: the process lives as long as something is watched, and no longer', { skip, timeout }, () => {
  const ringer = `
    import { workerData } from 'node:worker_threads';
    const { addEventfd } = await import(${urlOf('./eventfd.js')});
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    addEventfd(workerData);
  `;
  const printed = programPrints(`
    import { Worker } from 'node:worker_threads';
    watcher.watch(eventfd, () => {
      console.log('rung');
      watcher.unwatch(eventfd);
    });
    process.once('exit', () => console.log('ended'));
    const ringer = new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(ringer)}));
    // The thread that rings does not keep the process.
    new Worker(ringer, { workerData: eventfd }).unref();
  `);
  assert.equal(printed, 'rung\nended\n');
});

test('native watcher: what a callback throws is an uncaught exception, and the watcher goes on', {
  skip,
  timeout,
}, () => {
  const printed = programPrints(`
    const other = openEventfd();
    process.on('uncaughtException', (error) => console.log('uncaught', error.message));
    let rings = 0;
    watcher.watch(other, () => {
      takeEventfd(other);
      console.log('the other');
      watcher.unwatch(other);
    });
    watcher.watch(eventfd, () => {
      takeEventfd(eventfd);
      if (++rings === 3) return watcher.unwatch(eventfd);
      addEventfd(eventfd);
      if (rings === 2) addEventfd(other);
      throw new Error('of ring ' + rings);
    });
    addEventfd(eventfd);
  `);
  assert.match(printed, /^uncaught of ring 1\nuncaught of ring 2\n/);
  assert.match(printed, /the other/);
});

test('native watcher: what a callback throws ends a process that does not catch it', { skip, timeout }, () => {
  assert.throws(
    () =>
      execFileSync(
        process.execPath,
        [
          '--input-type=module',
          '-e',
          `${IMPORTS} watcher.watch(eventfd, () => { throw new Error('told'); }); addEventfd(eventfd);`,
        ],
        { stdio: 'pipe', timeout: 50_000 },
      ),
    (error: { status: number; stderr: Buffer }) => error.status === 1 && /Error: told/.test(error.stderr.toString()),
  );
});

/** Watches in a worker thread until it is told how to end. */
const WORKER = `
  import { parentPort, workerData } from 'node:worker_threads';
  ${IMPORTS}
  watcher.watch(eventfd, () => {
    takeEventfd(eventfd);
    parentPort.postMessage('rung');
  });
  addEventfd(eventfd);
  const ends = {
    'returning': () => {
      watcher.unwatch(eventfd);
      parentPort.close();
    },
    'process.exit': () => process.exit(),
    'an exception': () => { throw new Error('meant'); },
  };
  parentPort.on('message', (how) => {
    if (how !== 'terminate') closeEventfd(eventfd);
    ends[how]();
  });
`;

for (const how of ['returning', 'process.exit', 'an exception', 'terminate'])
  test(`native watcher: a worker watches for itself; ended by ${how}, it leaves no epoll descriptor`, {
    skip,
  }, async () => {
    const start = async () => {
      const url = new URL(`data:text/javascript,${encodeURIComponent(WORKER)}`);
      const worker = new Worker(url);
      await new Promise((resolve) => worker.once('message', resolve));
      return worker;
    };
    const end = async (worker: Worker) => {
      worker.on('error', (error) => assert.equal(error.message, 'meant'));
      const exit = new Promise((resolve) => worker.once('exit', resolve));
      if (how === 'terminate') await worker.terminate();
      else worker.postMessage(how);
      await exit;
    };
    await end(await start());
    const before = openDescriptors();
    const times = 5;
    for (let i = 0; i < times; i++) await end(await start());
    // A terminated thread closes nothing of its own: its eventfd is left.
    assert.equal(openDescriptors() - before, how === 'terminate' ? times : 0);
  });

/** Ends of a worker that is watching something readable, which nobody has taken. */
const READY_ENDS = {
  'an exception': `setImmediate(() => { throw new Error('meant'); });`,
  'an exception in a callback': `watcher.watch(openEventfd(), () => {}); meant = true;`,
  'a rejection': `Promise.reject(new Error('meant'));`,
  'process.exit': `process.exit(3);`,
  'terminate while it runs': `parentPort.postMessage('now'); for (;;);`,
  'terminate while it waits': `parentPort.postMessage('now');`,
} as const;

for (const [how, end] of Object.entries(READY_ENDS))
  test(`native watcher: a worker that ends by ${how}, something readable being watched, ends alone`, {
    skip,
    timeout,
  }, () => {
    const worker = `
      import { parentPort, workerData } from 'node:worker_threads';
      let meant = false;
      ${IMPORTS}
      const { publishWatcher } = await import(${urlOf('./watcher.js')});
      publishWatcher(workerData);
      watcher.watch(eventfd, () => { if (meant) throw new Error('meant'); });
      addEventfd(eventfd);
      ${end}
    `;
    // Several, one after the other: a chance that is not certain is then near certain.
    const printed = programPrints(`
      import { Worker } from 'node:worker_threads';
      const { terminateThread } = await import(${urlOf('./threads.js')});
      const url = new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(worker)}));
      for (let i = 0; i < 4; i++) {
        const word = new SharedArrayBuffer(4);
        const thread = new Worker(url, { workerData: word });
        thread.on('message', () => terminateThread(thread, word));
        thread.on('error', () => {});
        await new Promise((resolve) => thread.once('exit', resolve));
      }
      console.log('all ended');
    `);
    assert.equal(printed, 'all ended\n');
  });
