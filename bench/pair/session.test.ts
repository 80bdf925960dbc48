/** The session that sets a queue up, in one thread. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { connectGuest, connectHost } from './session.ts';
import { bindPair, makePair, type PairConfig } from './setup.ts';

test('pair session: the bound of waits for the peer is none for a host that is built slowly', async () => {
  const features = { indirect: true, eventIdx: true, version1: true };
  const some = {
    workload: 'alternate',
    size: 4,
    ringSize: 8,
    ringPlace: 'legacy',
    ordering: 'seqcst',
    doorbell: 'futex',
  } as const;
  const pair = makePair({ ...some, features, timeout: 0.01 } as unknown as PairConfig);
  const { port1, port2 } = new MessageChannel();
  const guest = connectGuest({ ...pair, port: port1 }, bindPair(pair).ring);
  await delay(50);
  const { size } = await connectHost({ ...pair, port: port2 });
  await guest;
  assert.equal(size, 8);
  port1.close();
});
