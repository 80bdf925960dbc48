import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { whyUnavailable } from '../../src/native/libc.ts';
import { clockBase, EngineClock, LibcClock, openClock } from './clock.ts';
import { printedByEngine } from './test-engine.ts';

/** Answers each call of the main thread with a stamp in between. */
const ANSWERER = `
  const { workerData } = require('node:worker_threads');
  import(workerData.module).then((clocks) => {
    const { words, stamps, rounds, base, name } = workerData;
    const clock = new clocks[name](base);
    for (let round = 1; round <= rounds; round++) {
      while (Atomics.load(words, 0) !== round) Atomics.wait(words, 0, round - 1, 10);
      clock.stampInto(stamps, round - 1);
      Atomics.store(words, 1, round);
      Atomics.notify(words, 1);
    }
  });
`;

test('clock: the one that leaves nothing behind, where libc can be called', () => {
  assert.equal(openClock(clockBase()).name, whyUnavailable() === null ? 'libc' : 'engine');
});

/** Prints whether a clock's optimised code is there, and still is when the base is ten seconds further away. */
const TEN_SECONDS_LATER = `
  const [module, name] = process.argv.slice(1);
  const { clockBase, [name]: AnyClock } = await import(module);
  const { stampInto } = AnyClock.prototype;
  const stamps = new Float64Array(1);
  // As another thread gets it.
  const base = structuredClone(clockBase());
  const now = new AnyClock(base);
  %PrepareFunctionForOptimization(stampInto);
  for (let i = 0; i < 10; i++) now.stampInto(stamps, 0);
  %OptimizeFunctionOnNextCall(stampInto);
  now.stampInto(stamps, 0);
  const before = optimised(stampInto);
  new AnyClock(base - 10).stampInto(stamps, 0);
  console.log(before, optimised(stampInto));
`;

for (const AnyClock of [LibcClock, EngineClock]) {
  const { name } = new AnyClock(0);
  const options = { skip: name === 'libc' ? (whyUnavailable() ?? false) : false };

  test(`clock of ${name}: never runs backwards`, options, () => {
    const clock = new AnyClock(clockBase());
    const stamps = new Float64Array(10_000);
    for (let i = 0; i < stamps.length; i++) clock.stampInto(stamps, i);
    for (let i = 1; i < stamps.length; i++) assert.ok(stamps[i]! >= stamps[i - 1]!);
  });

  test(`clock of ${name}: is whole nanoseconds since its base, as the system counts them`, options, () => {
    const base = clockBase();
    const stamps = new Float64Array(1);
    const before = process.hrtime.bigint();
    new AnyClock(base).stampInto(stamps, 0);
    const after = process.hrtime.bigint();
    const stamped = BigInt(stamps[0]!) + BigInt(base) * 1_000_000_000n;
    assert.ok(before <= stamped && stamped <= after);
  });

  test(`clock of ${name}: its optimised code outlives the seconds of a window`, options, () => {
    assert.equal(printedByEngine('./clock.js', TEN_SECONDS_LATER, AnyClock.name), 'true true\n');
  });

  test(`clock of ${name}: its cost is a time`, options, () => {
    const costNs = new AnyClock(clockBase()).costNs();
    assert.ok(costNs > 0 && Number.isFinite(costNs), `${costNs} ns`);
  });

  test(
    `clock of ${name}: two threads agree: a stamp that one takes between two of the other lies between them`,
    options,
    async () => {
      const ROUNDS = 200;
      const words = new Int32Array(new SharedArrayBuffer(8));
      const theirs = new Float64Array(new SharedArrayBuffer(ROUNDS * 8));
      const ours = new Float64Array(2);
      const base = clockBase();
      const clock = new AnyClock(base);
      const module = new URL('./clock.js', import.meta.url).href;
      const workerData = { module, words, stamps: theirs, rounds: ROUNDS, base, name: AnyClock.name };
      const worker = new Worker(ANSWERER, { eval: true, workerData });
      const failed = new Promise<never>((_, reject) => worker.on('error', reject));
      const asked = async () => {
        await new Promise((resolve) => worker.on('online', resolve));
        for (let round = 1; round <= ROUNDS; round++) {
          clock.stampInto(ours, 0);
          Atomics.store(words, 0, round);
          Atomics.notify(words, 0);
          // Bounded turns of the event loop, so that a failing worker can say so.
          while (Atomics.wait(words, 1, round - 1, 10) === 'timed-out') await new Promise(setImmediate);
          clock.stampInto(ours, 1);
          assert.ok(ours[0]! <= theirs[round - 1]! && theirs[round - 1]! <= ours[1]!, `round ${round}`);
        }
      };
      await Promise.race([asked(), failed]);
      await worker.terminate();
    },
  );
}
