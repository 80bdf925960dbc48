/**
 * A call that is refused for a caller's mistake changes nothing, also when it finds the mistake midway: every byte stays,
 * nothing is shown to the guest later, and every request that was in flight is, and can be completed once.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VhostUserQueue } from '../vhost-user/queues/queue.ts';
import { Request } from './queue.ts';
import { FACES, type Face, type Hostile, SIZE, stage } from './test-hostile-faces.ts';
import { Vringh } from './vringh.ts';
import { WasmVringh } from './wasm-vringh.ts';

type Call = (queue: Hostile['queue'], request: (head: number) => Request) => void;

/** The next heads are taken in this order; the one in the middle is completed and not shown. */
const TAKEN = [0, 1, 2, 3, 4];
const DEFERRED = 2;

const multi =
  (count: number, ...used: number[]): Call =>
  (queue) => {
    assert.ok(queue instanceof Vringh || queue instanceof WasmVringh);
    queue.completeMulti(Uint32Array.from(used), count);
  };
const vhostUser =
  (call: (queue: VhostUserQueue, request: (head: number) => Request) => void): Call =>
  (queue, request) => {
    assert.ok(queue instanceof VhostUserQueue);
    call(queue, request);
  };

type Rules = Face['rules'];
const ALL: readonly Rules[] = ['vringh', 'vhost-user', 'lguest'];
const MISTAKES: readonly [what: string, rules: readonly Rules[], call: Call][] = [
  ['completeMulti with a head twice', ['vringh'], multi(2, 0, 1, 0, 2)],
  ['completeMulti with a head twice, others between', ['vringh'], multi(4, 3, 1, 0, 2, 1, 3, 0, 4)],
  ['completeMulti with a head that was never taken', ['vringh'], multi(2, 0, 1, 9, 2)],
  ['completeMulti with a head of no descriptor', ['vringh'], multi(3, 0, 1, 1, 2, SIZE, 3)],
  ['completeMulti with a head that is completed', ['vringh'], multi(3, 0, 1, 1, 2, DEFERRED, 3)],
  ['completeMulti of more pairs than there are', ['vringh'], multi(2, 1, 1)],
  ['completeMulti of half a pair', ['vringh'], multi(2, 1, 1, 0)],
  ['completeMulti of a count that is none', ['vringh'], multi(Number.NaN, 0, 1)],
  ['completeMulti of a negative count', ['vringh'], multi(-1, 0, 1)],
  ['rewind over a request that is completed', ALL, (queue) => queue.rewind(3)],
  ['rewind of more than is in flight', ALL, (queue) => queue.rewind(6)],
  ['rewind of a count that is none', ALL, (queue) => queue.rewind(1.5)],
  ['a head completed twice', ALL, (queue) => queue.completeHead(DEFERRED, 1)],
  ['a length of 33 bits', ALL, (queue, request) => queue.complete(request(0), 2 ** 32)],
  ['a deferred length that is none', ALL, (queue, request) => queue.completeDeferred(request(0), -1)],
  ['state while requests are in flight', ALL, (queue) => void queue.state()],
  ['fill of an entry that is filled', ['vhost-user'], vhostUser((queue, request) => queue.fill(request(0), 1, 0))],
  ['fill a ring away', ['vhost-user'], vhostUser((queue, request) => queue.fill(request(0), 1, SIZE))],
  ['fill with a completed head', ['vhost-user'], vhostUser((queue, request) => queue.fill(request(DEFERRED), 1, 1))],
  ['fill with a length of 33 bits', ['vhost-user'], vhostUser((queue, request) => queue.fill(request(0), 2 ** 32, 1))],
  ['flush past what is filled', ['vhost-user'], vhostUser((queue) => queue.flush(2))],
  ['flush of more than a ring', ['vhost-user'], vhostUser((queue) => queue.flush(SIZE + 1))],
];

for (const face of FACES)
  for (const [what, , call] of MISTAKES.filter(([, rules]) => rules.includes(face.rules)))
    for (const startIndex of [0, 65533])
      test(`all or none: ${face.name} from ${startIndex}: ${what}`, () => {
        const { queue, take, memory, driver, request } = stage(face, { startIndex });
        for (const head of TAKEN) {
          driver.writeDescriptor(head, { length: 1 });
          driver.offer(head);
          assert.equal(take('next', request), true);
        }
        const requestOf = (head: number) => Object.assign(new Request(memory), { head });
        queue.completeDeferred(requestOf(DEFERRED), 7);
        const before = Buffer.concat(memory.bytes);
        const state = queue.state(true);
        assert.throws(() => call(queue, requestOf), { name: 'RangeError' });
        assert.ok(before.equals(Buffer.concat(memory.bytes)), 'no byte is written');
        assert.deepEqual([queue.state(true), queue.lastHead], [state, TAKEN.at(-1)]);
        queue.publish();
        assert.deepEqual([driver.readUsed(), driver.readUsed()], [{ id: DEFERRED, length: 7 }, null]);
        for (const head of TAKEN.filter((head) => head !== DEFERRED)) {
          queue.completeHead(head, head);
          assert.deepEqual([driver.readUsed(), driver.readUsed()], [{ id: head, length: head }, null]);
        }
        assert.equal(queue.state().usedIdx, (startIndex + TAKEN.length) % 0x10000);
      });
