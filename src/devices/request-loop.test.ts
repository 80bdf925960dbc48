import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Request } from '../host/queue.ts';
import { LATER, MORE, NOT_NOW, type RequestHandler, RequestLoop } from './request-loop.ts';
import { TestQueue } from './test-queue.ts';
import { SERVE_MAX, TURN_BYTES_MAX, TURN_MS_MAX, type Turn, type TurnOptions } from './turn.ts';

/** Answers each request with the next of these, then with `otherwise`; starved and stop are counted. */
class Scripted implements RequestHandler {
  /** Bytes that each request is worth. */
  worthBytes = 0;
  failures = 3;
  bytes = 4;
  starvations = 0;
  stops = 0;
  readonly heads: number[] = [];
  readonly kept: Request[] = [];
  readonly script: number[];
  readonly otherwise: number;

  constructor(script: number[] = [], otherwise = 0) {
    this.script = script;
    this.otherwise = otherwise;
  }
  serve(request: Request, turn: Turn): number {
    this.heads.push(request.head);
    turn.spend(this.worthBytes);
    const answer = this.script.shift() ?? this.otherwise;
    if (answer === LATER) this.kept.push(request);
    this.passes();
    return answer;
  }
  /** Time goes by with each request. */
  passes: () => void = () => {};
  starved(): void {
    this.starvations++;
  }
  stop(): void {
    this.stops++;
  }
}

/** Turns that no time ends, so that a slow machine changes nothing. */
const TIMELESS: TurnOptions = { now: () => 0 };

function setUp(handler: Scripted, options = {}, limits = TIMELESS) {
  const queue = new TestQueue({ size: 1024, ...options });
  return { queue, handler, loop: new RequestLoop(queue.target, handler, limits) };
}
const offerMany = (queue: TestQueue, count: number) => {
  for (let head = 0; head < count; head++) queue.offer(head, [{ offset: 0, length: 1 }]);
};

test('request loop: all that is there, then it waits for a kick', () => {
  const { queue, handler, loop } = setUp(new Scripted([5, 0, 7]));
  offerMany(queue, 3);
  assert.equal(loop.serve(), false);
  assert.deepEqual(handler.heads, [0, 1, 2]);
  assert.deepEqual(
    queue.serve(loop).map(({ length }) => length),
    [5, 0, 7],
  );
  assert.deepEqual([loop.requests, loop.brokenRequests, loop.failures, loop.bytes], [3, 0, 3, 4]);
  assert.equal(handler.starvations, 2);
});

test('request loop: no more than a bound at a time', () => {
  const { queue, loop } = setUp(new Scripted());
  offerMany(queue, 2 * SERVE_MAX + 1);
  const seen: [boolean, number][] = [];
  for (let i = 0; i < 3; i++) seen.push([loop.serve(), loop.requests]);
  assert.deepEqual(seen, [
    [true, SERVE_MAX],
    [true, 2 * SERVE_MAX],
    [false, 2 * SERVE_MAX + 1],
  ]);
});

for (const [what, worthBytes, msEach, served] of [
  ['bytes', TURN_BYTES_MAX / 4, 0, 4],
  ['bytes of requests as long as a turn', TURN_BYTES_MAX, 0, 1],
  ['bytes, the last request beyond them', TURN_BYTES_MAX - 1, 0, 2],
  ['time', 0, TURN_MS_MAX / 8, 8],
  ['time of small requests, each as long as a turn', 0, TURN_MS_MAX, 4],
  ['time of a large request as long as a turn', 65536, TURN_MS_MAX, 1],
] as const)
  test(`request loop: no more than a turn's ${what}`, () => {
    let nowMs = 5;
    const handler = new Scripted();
    const { queue, loop } = setUp(handler, {}, { now: () => nowMs });
    handler.worthBytes = worthBytes;
    handler.passes = () => {
      nowMs += msEach;
    };
    offerMany(queue, 3 * served);
    for (let turns = 1; turns <= 3; turns++) {
      assert.equal(loop.serve(), true);
      assert.equal(loop.requests, turns * served);
      nowMs += 1000;
    }
    assert.equal(loop.serve(), false);
  });

test('request loop: a request longer than a turn stays at hand, and what comes after it waits', () => {
  const { queue, handler, loop } = setUp(new Scripted([0, MORE, MORE, 5, 0]), { eventIdx: false });
  offerMany(queue, 3);
  const turns: [boolean, number][] = [];
  for (let i = 0; i < 3; i++) turns.push([loop.serve(), loop.requests]);
  assert.deepEqual(turns, [
    [true, 1],
    [true, 1],
    [false, 3],
  ]);
  assert.deepEqual(handler.heads, [0, 1, 1, 1, 2]);
  assert.deepEqual(
    queue.serve(loop).map(({ length }) => length),
    [0, 5, 0],
  );
});

for (const answer of [MORE, NOT_NOW])
  test(`request loop: ${answer === MORE ? 'unfinished' : 'waiting'}, a request is read once, its lists stay as they are`, () => {
    const queue = new TestQueue();
    const seen: number[] = [];
    let answers = [answer, answer, 0];
    const loop = new RequestLoop(queue.target, {
      failures: 0,
      bytes: 0,
      serve: ({ readable }) => {
        const byte = new Uint8Array(1);
        readable.pull(byte, 0, 1);
        seen.push(byte[0]!);
        const [next, ...rest] = answers;
        answers = rest;
        return next!;
      },
    });
    queue.data.u8.set([1, 2, 3, 4, 5, 6]);
    queue.offer(0, [{ offset: 0, length: 3 }]);
    loop.serve();
    queue.driver.writeDescriptor(0, { address: 0, length: 1 });
    loop.serve();
    loop.serve();
    assert.deepEqual([seen, loop.brokenRequests, loop.requests], [[1, 2, 3], 0, 1]);
  });

for (const answer of [MORE, NOT_NOW])
  test(`request loop: stopped with a request ${answer === MORE ? 'unfinished' : 'waiting'}, it is in the ring again`, () => {
    const { queue, handler, loop } = setUp(new Scripted([0, answer]));
    offerMany(queue, 3);
    loop.serve();
    assert.equal(loop.stop(), undefined);
    assert.deepEqual(queue.target.queue.state(), { availIdx: 1, usedIdx: 1 });
    assert.deepEqual([loop.serve(), handler.heads], [false, [0, 1]]);
    const next = new RequestLoop(queue.target, new Scripted());
    assert.deepEqual(
      queue.serve(next).map(({ id }) => id),
      [0, 1, 2],
    );
  });

test('request loop: a request that comes while it asks for kicks is served, nobody kicks for it', () => {
  const { queue, handler, loop } = setUp(new Scripted());
  queue.beforeKicks(() => queue.offer(7, [{ offset: 0, length: 1 }]));
  assert.equal(loop.serve(), false);
  assert.deepEqual(handler.heads, [7]);
});

for (const [eventIdx, calls] of [
  [false, 3],
  // The guest asks for one call and does not ask again before it has taken something.
  [true, 1],
] as const)
  test(`request loop: 40 requests ${eventIdx ? 'with' : 'without'} event index call the guest ${calls} times`, () => {
    const { queue, loop } = setUp(new Scripted(), { eventIdx });
    offerMany(queue, 40);
    loop.serve();
    assert.equal(queue.target.call.rings, calls);
    loop.serve();
    assert.equal(queue.target.call.rings, calls, 'nothing new, nobody called');
  });

test('request loop: a guest that looks sees each answer at once', () => {
  const queue = new TestQueue();
  const seen: number[] = [];
  const loop = new RequestLoop(queue.target, {
    failures: 0,
    bytes: 0,
    serve: () => {
      const used = queue.driver.readUsed();
      if (used !== null) seen.push(used.id);
      return 0;
    },
  });
  offerMany(queue, 4);
  loop.serve();
  assert.deepEqual(seen, [0, 1, 2]);
});

test('request loop: a broken request is completed with nothing and counted, others are served', () => {
  const { queue, handler, loop } = setUp(new Scripted([], 9));
  queue.offer(0, [{ offset: 0, length: 1 }]);
  queue.driver.writeDescriptor(1, { address: 0, length: 1 });
  queue.driver.offer(1);
  queue.offer(2, [{ offset: 0, length: 1 }]);
  assert.deepEqual(queue.serve(loop), [
    { id: 0, length: 9 },
    { id: 1, length: 0 },
    { id: 2, length: 9 },
  ]);
  assert.deepEqual(handler.heads, [0, 2]);
  assert.deepEqual([loop.requests, loop.brokenRequests], [3, 1]);
});

test('request loop: broken requests are bounded, too', () => {
  const { queue, loop } = setUp(new Scripted());
  for (let head = 0; head < SERVE_MAX + 1; head++) {
    queue.driver.writeDescriptor(head, { address: 0, length: 1 });
    queue.driver.offer(head);
  }
  assert.deepEqual([loop.serve(), loop.brokenRequests], [true, SERVE_MAX]);
});

test('request loop: a broken ring is thrown, again and again', () => {
  const { queue, loop } = setUp(new Scripted());
  queue.offer(0, [{ offset: 0, length: 1 }]);
  queue.driver.offer(5000);
  for (let i = 0; i < 2; i++) assert.throws(() => loop.serve(), { code: 'avail-head-out-of-range', value: 5000 });
  assert.equal(loop.requests, 1);
  assert.doesNotThrow(() => loop.stop());
});

test('request loop: a request that cannot be served now goes back and comes again', () => {
  const { queue, handler, loop } = setUp(new Scripted([0, NOT_NOW, NOT_NOW]), { eventIdx: false });
  offerMany(queue, 3);
  assert.equal(loop.serve(), false);
  assert.equal(queue.target.call.rings, 1, 'for the one before it');
  assert.equal(handler.starvations, 0);
  assert.equal(loop.serve(), false);
  assert.equal(loop.serve(), false);
  assert.deepEqual(handler.heads, [0, 1, 1, 1, 2]);
  loop.stop();
  assert.doesNotThrow(() => queue.target.queue.state());
});

test('request loop: stopped, it serves no more', () => {
  const { queue, handler, loop } = setUp(new Scripted());
  loop.stop();
  offerMany(queue, 1);
  assert.deepEqual([loop.serve(), handler.heads.length, handler.stops], [false, 0, 1]);
});

test('request loop: what the handler keeps is finished in any order, in lists of its own', async () => {
  const { queue, handler, loop } = setUp(new Scripted([], LATER));
  for (let head = 0; head < 3; head++) queue.offer(head, [{ offset: head, length: 1 + head }]);
  loop.serve();
  assert.deepEqual(
    handler.kept.map(({ readable }) => readable.lengths[0]),
    [1, 2, 3],
  );
  loop.finish(handler.kept[1]!, 11);
  assert.deepEqual(queue.serve(loop), [{ id: 1, length: 11 }]);
  let ended = false;
  const stopped = Promise.resolve(loop.stop()).then(() => {
    ended = true;
  });
  loop.finish(handler.kept[2]!, 12);
  await Promise.resolve();
  assert.equal(ended, false);
  loop.finish(handler.kept[0]!, 10);
  await stopped;
  assert.deepEqual(queue.serve(loop), [
    { id: 2, length: 12 },
    { id: 0, length: 10 },
  ]);
  assert.equal(queue.target.call.rings >= 1, true);
  assert.equal(loop.requests, 3);
});

test('request loop: what was kept when the ring broke ends quietly', async () => {
  const { queue, handler, loop } = setUp(new Scripted([], LATER));
  offerMany(queue, 1);
  loop.serve();
  queue.driver.offer(5000);
  assert.throws(() => loop.serve());
  const stopped = loop.stop();
  loop.finish(handler.kept[0]!, 1);
  await stopped;
  assert.equal(loop.requests, 0);
});
