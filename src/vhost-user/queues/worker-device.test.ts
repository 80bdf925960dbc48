/** Queues in threads of their own: served side by side, one device's settings in all of them, deaths survived. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { closeDescriptor } from '../../native/descriptors.ts';
import { addEventfd, takeEventfd } from '../../native/eventfd.ts';
import { whyUnavailable } from '../../native/libc.ts';
import { openMemfd } from '../../native/memfd.ts';
import { file, until } from '../backend/test-frontend.ts';
import { exchangeFar, GIB, SPARSE_BYTES, sayTable } from '../backend/test-sparse-memory.ts';
import { DEADLY, FACTORY, KEPT, withWorkers } from './test-workers.ts';
import { WorkerDevice } from './worker-device.ts';

const skip = whyUnavailable() ?? false;
const MIB = 2 ** 20;

for (const threads of [1, 2])
  test(`worker device: two queues in ${threads} thread(s)`, { skip }, () =>
    withWorkers({ threads }, async ({ device, frontend, guest, events }) => {
      for (let i = 0; i < 4; i++)
        for (const index of [0, 1])
          await guest.exchange(index, 2 * i, 10 * index + i, () => addEventfd(guest.ring(index).kick));
      await guest.called(0);
      await guest.called(1);
      assert.equal(await frontend.stop(0), 4);
      await frontend.setUp(guest, 0, 4);
      await guest.exchange(0, 0, 99, () => addEventfd(guest.ring(0).kick));
      assert.equal(await frontend.stop(0), 5);
      assert.equal(await frontend.stop(1), 4);
      const { requests, bytes, starts } = device.runner(0).stats;
      assert.deepEqual([requests, bytes, starts], [5, 20, 2]);
      assert.deepEqual(events, []);
    }),
  );

test('worker device: 4 TiB in a sparse file, said again and again: no view of what is not used', { skip }, async () => {
  const viewedMib = new Int32Array(new SharedArrayBuffer(4));
  const sparse = openMemfd('sparse', SPARSE_BYTES);
  const factory = new URL('./test-counting-device.js', import.meta.url).href;
  try {
    await withWorkers({ factory, device: { queueCount: 2, viewedMib }, threads: 2 }, async ({ frontend, guest }) => {
      const before = Atomics.load(viewedMib, 0);
      for (let i = 0; i < 8; i++) await sayTable(frontend, guest, file(guest.memory), file(sparse));
      await guest.exchange(1, 0, 7, () => addEventfd(guest.ring(1).kick));
      assert.ok(Atomics.load(viewedMib, 0) - before < (4 * GIB) / MIB, 'views of the sparse file');
      const offsets = [0, 4 * GIB - 4, SPARSE_BYTES / 2, SPARSE_BYTES - 4096];
      await exchangeFar(guest, sparse, offsets);
      assert.ok(Atomics.load(viewedMib, 0) - before >= (12 * GIB) / MIB, 'its views are counted');
    });
  } finally {
    closeDescriptor(sparse);
  }
});

test(
  'worker device: features and resets without end fill no mailbox, and are told before the next start',
  { skip },
  () =>
    withWorkers({ threads: 1 }, async ({ device, frontend, guest }) => {
      await frontend.stop(0);
      const posted: string[] = [];
      const { postMessage } = Worker.prototype;
      Worker.prototype.postMessage = function (message: { call: string }, ...rest) {
        posted.push(message.call);
        postMessage.call(this, message, ...rest);
      };
      try {
        for (let i = 0; i < 1000; i++) {
          device.acknowledge(BigInt(i));
          device.reset();
        }
        assert.deepEqual(posted, ['reset']);
        await frontend.setUp(guest, 0);
        assert.deepEqual(posted.filter((call) => call !== 'setCall').slice(0, 4), [
          'reset',
          'reset',
          'acknowledge',
          'start',
        ]);
      } finally {
        Worker.prototype.postMessage = postMessage;
      }
    }),
);

test('worker device: the configuration space is the same for all threads', { skip }, () =>
  withWorkers({}, async ({ frontend }) => {
    const bytes = Uint8Array.of(0xaa);
    assert.equal(await frontend.value({ request: 'SET_CONFIG', offset: 2, flags: 0, bytes }), 0n);
    const reply = await frontend.ask({ request: 'GET_CONFIG', offset: 0, flags: 0, bytes: new Uint8Array(4) });
    assert.deepEqual([...reply.bytes!], [1, 2, 0xaa, 4]);
    assert.equal(await frontend.value({ request: 'SET_CONFIG', offset: 8, flags: 0, bytes }), 1n);
  }),
);

/** Writes of the configuration space of 8 bytes 1 to 8, one after the other, and what is in it then. */
const WRITES: readonly (readonly [what: string, writes: readonly [number, number[]][], config: number[]])[] = [
  [
    'the same place again, over a write in between',
    [
      [0, [1, 1, 1, 1]],
      [2, [2, 2]],
      [0, [3, 3, 3, 3]],
    ],
    [3, 3, 3, 3, 5, 6, 7, 8],
  ],
  [
    'the same place, shorter',
    [
      [0, [1, 1, 1, 1]],
      [0, [2, 2]],
    ],
    [2, 2, 1, 1, 5, 6, 7, 8],
  ],
  [
    'the same place, longer',
    [
      [4, [1, 1]],
      [4, [2, 2, 2, 2]],
    ],
    [1, 2, 3, 4, 2, 2, 2, 2],
  ],
  [
    'places that overlap',
    [
      [0, [1, 1, 1]],
      [2, [2, 2, 2]],
      [1, [3, 3]],
      [4, [4]],
    ],
    [1, 3, 3, 2, 4, 6, 7, 8],
  ],
];
for (const [what, writes, config] of WRITES)
  test(`worker device: a thread that starts later has the same configuration: ${what}`, { skip }, async () => {
    const device = await WorkerDevice.open({ factory: FACTORY, device: { queueCount: 2 }, threads: 2 });
    try {
      for (const [offset, bytes] of writes)
        assert.equal(await device.writeConfig(offset, Uint8Array.from(bytes)), true);
      assert.deepEqual([...device.config], config);
      const later = device.threadOf(1);
      assert.deepEqual([...(await later.call({ call: 'describe' })).config], config);
      // So has one that is written to many times more than it has bytes.
      for (let i = 0; i < 100; i++) await device.writeConfig(i % 8, Uint8Array.of(i));
      assert.deepEqual([...(await later.call({ call: 'describe' })).config], [...device.config]);
    } finally {
      await device.close();
    }
  });

test(
  'worker device: kicks by message that come faster than the thread takes them are few, and none is lost',
  { skip },
  () =>
    withWorkers({}, async ({ device, frontend, guest }) => {
      const kick = () => {
        for (let i = 0; i < 10_000; i++) device.runner(0).kick();
      };
      for (let i = 0; i < 4; i++) await guest.exchange(0, 2 * i, i, kick);
      await frontend.stop(0);
      const { kicks } = device.runner(0).stats;
      // One under way and one more, each time.
      assert.ok(kicks >= 1 && kicks <= 8, `${kicks} kicks`);
    }),
);

test('worker device: what lies outside the configuration space is refused without asking a thread', {
  skip,
}, async () => {
  const device = await WorkerDevice.open({ factory: FACTORY, device: { queueCount: 1 } });
  assert.equal(await device.writeConfig(0, Uint8Array.of(1)), true);
  await device.close();
  assert.equal(await device.writeConfig(8, Uint8Array.of(1)), false);
});

test(
  'worker device: a thread that dies is told of, the other queue goes on, and a new start brings it back',
  { skip },
  () =>
    withWorkers({}, async ({ frontend, guest, events }) => {
      const kick = (index: number) => () => addEventfd(guest.ring(index).kick);
      await guest.exchange(0, 0, 1, kick(0));
      guest.offer(0, 2, DEADLY);
      addEventfd(guest.ring(0).kick);
      await until(() => takeEventfd(guest.ring(0).err), 'the err eventfd');
      assert.deepEqual(
        events.map((event) => (event.kind === 'queue-broken' ? event.index : event.kind)),
        [0],
      );
      // A call for it is taken, and the session goes on.
      assert.equal(await frontend.value({ request: 'SET_VRING_CALL', index: 0, noDescriptor: true }), 0n);
      await guest.exchange(1, 0, 2, kick(1));
      // What was not finished is still to be done: there the queue stands.
      assert.equal(await frontend.stop(0), 1);
      guest.view.u32.fill(7, 65536 / 4, 65536 / 4 + 16 * 64);
      await frontend.setUp(guest, 0, 1);
      assert.deepEqual(await guest.nextUsed(0), { id: 2, length: 4 });
      await guest.exchange(0, 4, 5, kick(0));
    }),
);

test(
  'worker device: a write of the configuration space that ends every thread is refused, and not made again',
  {
    skip,
  },
  () =>
    withWorkers({ threads: 2 }, async ({ frontend, guest }) => {
      const bytes = Uint8Array.of(DEADLY >> 8, DEADLY & 0xff);
      assert.equal(await frontend.value({ request: 'SET_CONFIG', offset: 0, flags: 0, bytes }), 1n);
      const reply = await frontend.ask({ request: 'GET_CONFIG', offset: 0, flags: 0, bytes: new Uint8Array(4) });
      assert.deepEqual([...reply.bytes!], [1, 2, 3, 4]);
      for (const index of [0, 1]) {
        assert.equal(await frontend.stop(index), 0);
        await frontend.setUp(guest, index);
        await guest.exchange(index, 0, 7, () => addEventfd(guest.ring(index).kick));
      }
    }),
);

const run = promisify(execFile);

test('worker device: a thread that never comes back, from a loop, a lock or a call, is stopped within the bound', {
  skip,
}, async () => {
  const program = fileURLToPath(new URL('./test-stuck-thread.js', import.meta.url));
  const play = (place: string) => run(process.execPath, [program, place], { timeout: 60_000 });
  for (const { stdout, stderr } of await Promise.all(['a loop', 'a lock', 'a call'].map(play)))
    assert.deepEqual([stdout, stderr], ['ended\n', '']);
});

/** What a thread is given, head by head, before it dies of the last; where the queue then stands, and what is left. */
const DEATHS: readonly [what: string, given: readonly number[], base: number, left: readonly number[]][] = [
  ['all of them finished', [1, 2, DEADLY], 2, [2]],
  ['the first one kept', [KEPT, 1, DEADLY], 2, [2]],
  ['the first two kept, what is behind them finished', [KEPT, KEPT, 1, 1, DEADLY], 4, [4]],
  ['the middle one finished first', [KEPT, 1, KEPT, DEADLY], 2, [2, 3]],
  ['none finished', [KEPT, KEPT, DEADLY], 0, [0, 1, 2]],
  ['heads used again', [1, 2, 3, 4, 5, 6, 7, 1, KEPT, 1, KEPT, DEADLY], 10, [2, 3]],
];
for (const [what, given, base, left] of DEATHS)
  test(`worker device: a thread that dies: no entry that was used is named again: ${what}`, { skip }, () =>
    withWorkers({ threads: 2 }, async ({ frontend, guest }) => {
      const { size, driver, kick, err } = guest.ring(0);
      const headOf = (i: number) => (2 * i) % size;
      const used: number[] = [];
      for (const [i, number] of given.entries()) {
        guest.offer(0, headOf(i), number);
        addEventfd(kick);
        if (number !== KEPT && number !== DEADLY) used.push((await guest.nextUsed(0)).id);
      }
      await until(() => takeEventfd(err), 'the err eventfd');
      assert.equal(await frontend.stop(0), base);
      // Those that are left are now harmless.
      for (let head = 0; head < size; head += 2) guest.view.u32[(guest.ring(0).data + 256 * head) / 4] = 9;
      await frontend.setUp(guest, 0, base);
      for (const head of left) assert.deepEqual(await guest.nextUsed(0), { id: headOf(head), length: 4 });
      assert.equal(await frontend.stop(0), given.length);
      assert.equal(driver.readUsed(), null, 'one answer too many');
      assert.equal(used.length + left.length, given.length - lost(given, base));
    }),
  );

/** Requests that were kept before the base: an index has no word for them. */
const lost = (given: readonly number[], base: number) =>
  given.slice(0, base).filter((number) => number === KEPT).length;

const NO_FACTORY = new URL('./queue-runner.js', import.meta.url).href;
for (const [what, options, message] of [
  ['a kind that is none', { device: { kind: 'blk' } }, /^a device of kind block, net, entropy or console, not 'blk'$/],
  ['no options at all', { device: undefined }, /^a device of kind .*, not 'undefined'$/],
  ['no thread', { device: { kind: 'entropy' }, threads: 0 }, /^1 or more threads, not 0$/],
  ['half a thread', { device: { kind: 'entropy' }, threads: 1.5 }, /^1 or more threads, not 1\.5$/],
  ['a relative factory', { factory: './echo.js', device: {} }, /^a factory is a module's URL, .*, not '\.\/echo\.js'$/],
  [
    'a factory that makes none',
    { factory: NO_FACTORY, device: {} },
    /queue-runner\.js exports no function openDevice$/,
  ],
  ['a factory that is not there', { factory: `${NO_FACTORY}.none`, device: {} }, /Cannot find module/],
] as const)
  test(`worker device: ${what}`, { skip }, async () => {
    await assert.rejects(WorkerDevice.open(options), { message });
  });

test('worker device: a device that cannot be opened', { skip }, async () => {
  await assert.rejects(WorkerDevice.open({ device: { kind: 'block', image: '/nowhere/at/all' } }), /nowhere/);
});
