import assert from 'node:assert/strict';
import { readdirSync, writeSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { BLOCKED_AT_MOST_MS } from '../native/interrupts.ts';
import { whyUnavailable } from '../native/libc.ts';
import { cpuYield } from '../native/scheduler.ts';
import { YieldingWaitSet } from './adaptive.ts';
import {
  type DoorbellHandle,
  type DoorbellStrategy,
  descriptorOf,
  portsOf,
  SilentDoorbell,
  type WaitOptions,
  waitingEnd,
} from './doorbell.ts';
import { DOORBELLS, type DoorbellName } from './index.ts';

/** Long enough never to pass in a test that works. */
const LONG_MS = 60_000;

/** A thread that waits once, tells what woke it, and goes on: started before anything is rung. */
const WAITER = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { DOORBELLS } = await import(workerData.module);
  if (workerData.interrupted) (await import(workerData.interrupts)).boundBlockedCalls();
  const waits = DOORBELLS[workerData.name].waitSet(workerData.handle, workerData.options);
  for (let i = 0; i < workerData.waits; i++) {
    parentPort.postMessage('waiting');
    parentPort.postMessage(await waits.wait(workerData.timeoutMs));
  }
  waits.close();
`;

interface Waiter {
  waits: number;
  timeoutMs?: number;
  options?: Partial<WaitOptions>;
  /** Its system calls are interrupted, as those of a thread are that uses what a stranger shares. */
  interrupted?: boolean;
}

function startWaiter(name: DoorbellName, handle: DoorbellHandle, waiter: Waiter) {
  const { waits, timeoutMs = LONG_MS, options = {}, interrupted = false } = waiter;
  const module = new URL('./index.js', import.meta.url).href;
  const interrupts = new URL('../native/interrupts.js', import.meta.url).href;
  const end = waitingEnd(handle);
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(WAITER)}`), {
    workerData: { module, interrupts, interrupted, name, handle: end, waits, timeoutMs, options },
    transferList: portsOf(end),
  });
  const inbox: string[] = [];
  let arrived: (() => void) | null = null;
  worker.on('message', (message: string) => {
    inbox.push(message);
    arrived?.();
  });
  /** The next message of the waiter; it never comes from a timer. */
  const receive = async (): Promise<string> => {
    while (inbox.length === 0)
      await new Promise<void>((resolve) => {
        arrived = resolve;
      });
    return inbox.shift()!;
  };
  const ended = new Promise<number>((resolve) => {
    worker.once('exit', resolve);
  });
  return { receive, ended };
}

/** Every doorbell, and those that look before they sleep as they are where both ends share a CPU, too. */
const CASES: { name: DoorbellName; options: Partial<WaitOptions> }[] = [
  ...(Object.keys(DOORBELLS) as DoorbellName[]).map((name) => ({ name, options: {} })),
  { name: 'adaptive', options: { yields: true } },
  { name: 'spin', options: { yields: true } },
];

for (const { name: key, options } of CASES) {
  const strategy: DoorbellStrategy = DOORBELLS[key];
  const name = options.yields ? `${key} on one CPU` : key;
  const skip = strategy.unavailable?.() ?? false;
  const check = (what: string, body: () => void | Promise<void>) => test(what, { skip }, body);
  const ended: (() => void)[] = [];
  /** A doorbell with both its ends on this thread; or with the ringing one alone, to start a waiter with. */
  const rung = () => {
    const handle = strategy.makeHandle();
    const unwatch = strategy.watch?.(handle);
    ended.push(() => {
      unwatch?.();
      strategy.dispose?.(handle);
    });
    return { handle, bell: strategy.doorbell(handle) };
  };
  const fresh = () => {
    const { handle, bell } = rung();
    const waits = strategy.waitSet(handle, options);
    ended.unshift(() => waits.close());
    return { handle, bell, waits };
  };
  afterEach(() => {
    for (const end of ended.splice(0)) end();
  });

  check(`doorbell ${name}: its entry tells its name and what it is`, () => {
    assert.equal(strategy.name, key);
    assert.match(strategy.summary, /\S/);
    assert.equal(rung().handle.strategy, key);
  });

  check(`doorbell ${name}: a ring before the wait is not lost`, async () => {
    const { bell, waits } = fresh();
    bell.ring();
    assert.equal(await waits.wait(LONG_MS), 'rung');
  });

  check(`doorbell ${name}: several rings are taken at once`, async () => {
    const { bell, waits } = fresh();
    for (let i = 0; i < 5; i++) bell.ring();
    assert.equal(await waits.wait(LONG_MS), 'rung');
    assert.equal(await waits.wait(0), 'timed-out');
  });

  check(`doorbell ${name}: rings of several ends reach the one waiter`, async () => {
    const { handle, bell, waits } = fresh();
    const other = strategy.doorbell(handle);
    bell.ring();
    assert.equal(await waits.wait(LONG_MS), 'rung');
    other.ring();
    assert.equal(await waits.wait(LONG_MS), 'rung');
    assert.deepEqual([bell.rings, other.rings], [1, 1]);
  });

  check(`doorbell ${name}: a wait without a ring ends at its bound, and the next ring is taken`, async () => {
    const { bell, waits } = fresh();
    assert.equal(await waits.wait(0), 'timed-out');
    bell.ring();
    assert.equal(await waits.wait(LONG_MS), 'rung');
  });

  check(`doorbell ${name}: another thread's wait ends at its bound, again and again`, async () => {
    const { handle } = rung();
    const waiter = startWaiter(key, handle, { waits: 3, timeoutMs: 1, options });
    for (let i = 0; i < 3; i++) {
      assert.equal(await waiter.receive(), 'waiting');
      assert.equal(await waiter.receive(), 'timed-out');
    }
    assert.equal(await waiter.ended, 0);
  });

  test(`doorbell ${name}: a thread whose system calls are interrupted waits as any other`, {
    skip: skip || (whyUnavailable() ?? false),
  }, async () => {
    const { handle } = rung();
    const waiter = startWaiter(key, handle, {
      waits: 1,
      timeoutMs: 2 * BLOCKED_AT_MOST_MS,
      options,
      interrupted: true,
    });
    assert.equal(await waiter.receive(), 'waiting');
    assert.equal(await waiter.receive(), 'timed-out');
    assert.equal(await waiter.ended, 0);
  });

  check(`doorbell ${name}: drain forgets rings not taken`, async () => {
    const { bell, waits } = fresh();
    bell.ring();
    waits.drain();
    assert.equal(await waits.wait(0), 'timed-out');
    bell.ring();
    assert.equal(await waits.wait(LONG_MS), 'rung');
  });

  check(`doorbell ${name}: rings are counted, and wake nobody when nobody sleeps`, () => {
    const { bell } = fresh();
    assert.deepEqual([bell.rings, bell.wakeSyscalls], [0, 0]);
    for (let i = 0; i < 3; i++) bell.ring();
    assert.equal(bell.rings, 3);
    assert.ok(bell.wakeSyscalls <= bell.rings);
    bell.resetCounters();
    assert.deepEqual([bell.rings, bell.wakeSyscalls], [0, 0]);
  });

  check(`doorbell ${name}: stop ends every later wait, rung or not`, async () => {
    const { handle, bell, waits } = fresh();
    assert.equal(waits.stopped(), false);
    bell.ring();
    strategy.stop(handle);
    assert.equal(waits.stopped(), true);
    assert.equal(await waits.wait(LONG_MS), 'stopped');
    bell.ring();
    assert.equal(await waits.wait(LONG_MS), 'stopped');
  });

  check(`doorbell ${name}: two handles have nothing to do with each other`, async () => {
    const one = fresh();
    const two = fresh();
    one.bell.ring();
    strategy.stop(one.handle);
    assert.equal(await two.waits.wait(0), 'timed-out');
    assert.equal(two.waits.stopped(), false);
  });

  check(`doorbell ${name}: another thread's wait, asleep or about to, is ended by each ring`, async () => {
    const rounds = 20;
    const { handle, bell } = rung();
    const waiter = startWaiter(key, handle, { waits: rounds, options });
    for (let i = 0; i < rounds; i++) {
      assert.equal(await waiter.receive(), 'waiting');
      bell.ring();
      assert.equal(await waiter.receive(), 'rung');
    }
    assert.equal(await waiter.ended, 0);
    assert.equal(bell.rings, rounds);
    assert.ok(bell.wakeSyscalls <= rounds);
  });

  check(`doorbell ${name}: stop ends another thread's wait`, async () => {
    const { handle } = rung();
    const waiter = startWaiter(key, handle, { waits: 2, options });
    assert.equal(await waiter.receive(), 'waiting');
    strategy.stop(handle);
    assert.equal(await waiter.receive(), 'stopped');
    assert.equal(await waiter.receive(), 'waiting');
    assert.equal(await waiter.receive(), 'stopped');
    assert.equal(await waiter.ended, 0);
  });
}

for (const strategy of [DOORBELLS.pipe, DOORBELLS.eventfd])
  test(`doorbell ${strategy.name}: every ring is a system call; many handles leave no descriptor open`, {
    skip: process.platform === 'linux' ? (strategy.unavailable?.() ?? false) : 'counts descriptors by /proc',
  }, () => {
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    for (let i = 0; i < 50; i++) {
      const handle = strategy.makeHandle();
      const waits = strategy.waitSet(handle);
      const bell = strategy.doorbell(handle);
      for (let ring = 0; ring < 3; ring++) bell.ring();
      assert.deepEqual([bell.rings, bell.wakeSyscalls], [3, 3]);
      assert.ok(open() > before);
      waits.close();
      strategy.dispose?.(handle);
    }
    assert.equal(open(), before);
  });

test('doorbell pipe: the time-out of a wait that has just ended does not end the next', {
  skip: DOORBELLS.pipe.unavailable?.() ?? false,
}, async () => {
  const WAITS = 2;
  const handle = DOORBELLS.pipe.makeHandle();
  writeSync(descriptorOf(handle), Uint8Array.of(0x80));
  const waiter = startWaiter('pipe', handle, { waits: 1 });
  assert.equal(await waiter.receive(), 'waiting');
  while (Atomics.load(new Int32Array(handle.words), WAITS) === 0) await new Promise(setImmediate);
  DOORBELLS.pipe.doorbell(handle).ring();
  assert.equal(await waiter.receive(), 'rung');
  assert.equal(await waiter.ended, 0);
  DOORBELLS.pipe.dispose?.(handle);
});

test('doorbell eventfd: a handle that is not its own is refused', () => {
  const handle = DOORBELLS.futex.makeHandle();
  assert.throws(() => DOORBELLS.eventfd.doorbell(handle), TypeError);
  assert.throws(() => DOORBELLS.eventfd.waitSet(handle), TypeError);
});

test('doorbell futex: a notify that comes late, for a ring taken already, wakes nobody', async () => {
  const ASLEEP = 2;
  const handle = DOORBELLS.futex.makeHandle();
  const words = new Int32Array(handle.words);
  const waiter = startWaiter('futex', handle, { waits: 1 });
  assert.equal(await waiter.receive(), 'waiting');
  while (Atomics.load(words, 0) !== ASLEEP) await new Promise(setImmediate);
  for (let i = 0; i < 100; i++) Atomics.notify(words, 0);
  DOORBELLS.futex.doorbell(handle).ring();
  assert.equal(await waiter.receive(), 'rung');
  assert.equal(await waiter.ended, 0);
});

test('doorbell futex: a ring that finds the waiter asleep is one wake-up, the next ring is none', async () => {
  const ASLEEP = 2;
  const handle = DOORBELLS.futex.makeHandle();
  const words = new Int32Array(handle.words);
  const bell = DOORBELLS.futex.doorbell(handle);
  const waiter = startWaiter('futex', handle, { waits: 1 });
  assert.equal(await waiter.receive(), 'waiting');
  // The waiter says in its own word that it sleeps: only then is the ring one that must wake.
  while (Atomics.load(words, 0) !== ASLEEP) await new Promise(setImmediate);
  bell.ring();
  bell.ring();
  assert.equal(await waiter.receive(), 'rung');
  assert.equal(await waiter.ended, 0);
  assert.deepEqual([bell.rings, bell.wakeSyscalls], [2, 1]);
});

test('doorbell: the one that is not connected counts nothing', () => {
  const silent = new SilentDoorbell();
  silent.ring();
  silent.resetCounters();
  assert.deepEqual([silent.rings, silent.wakeSyscalls], [0, 0]);
});

test('doorbell adaptive on one CPU: after others had the CPU for long, the next waits sleep at once', {
  skip: cpuYield() === null && 'needs libc',
}, () => {
  const handle = DOORBELLS.adaptive.makeHandle();
  let yields = 0;
  let busyMs = 0;
  const waits = new YieldingWaitSet(new Int32Array(handle.words), () => {
    yields++;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, busyMs);
    return 0;
  });
  const yieldsOf = (count: number) => {
    const before = yields;
    for (let i = 0; i < count; i++) assert.equal(waits.wait(0.001), 'timed-out');
    return yields - before;
  };
  busyMs = 1;
  const first = yieldsOf(1);
  assert.ok(first > 0);
  assert.equal(yieldsOf(16), 0, 'the next waits do not yield');
  assert.ok(yieldsOf(1) > 0, 'then one tries again');
  assert.equal(yieldsOf(32), 0, 'twice as many the next time');
});
