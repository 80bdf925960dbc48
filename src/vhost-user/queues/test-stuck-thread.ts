/** For tests, a program of its own: a queue's thread that never comes back, its session, and the end of both. */
import assert from 'node:assert/strict';
import { setImmediate as loopTurn } from 'node:timers/promises';
import { addEventfd } from '../../native/eventfd.ts';
import { until } from '../backend/test-frontend.ts';
import { withWorkerSession } from './test-workers.ts';

const STUCK = 0x57c4;

async function playStuck(place: 'a loop' | 'a lock'): Promise<void> {
  const device = { queueCount: 2, stuck: { at: STUCK, in: place } };
  // Longer than a thread takes to start on a busy machine.
  await withWorkerSession({ device, callTimeoutMs: 3000 }, async ({ frontend, guest, events }) => {
    const kick = (index: number) => () => addEventfd(guest.ring(index).kick);
    await guest.exchange(0, 0, 1, kick(0));
    guest.offer(0, 2, STUCK);
    kick(0)();
    await guest.exchange(1, 0, 2, kick(1));
    // The ring tells where it stands: one request is done.
    assert.equal(await frontend.stop(0), 1);
    await guest.exchange(1, 2, 3, kick(1));
    // A new thread serves it from there.
    guest.view.u32.fill(7, 65536 / 4, 65536 / 4 + 16 * 64);
    await frontend.setUp(guest, 0, 1);
    await until(() => guest.ring(0).driver.readUsed() !== null, 'the request that was stuck');
    assert.deepEqual(events, []);
  });
}

/** Turns of the loop in which kicks come, so that the threads find them beside the call. */
const KICK_TURNS = 100;

/** The threads are stuck in a call of the session's, and have kicks to take as well. */
async function playStuckCall(): Promise<void> {
  const device = { queueCount: 2, stuck: { at: STUCK, in: 'a loop' } };
  await withWorkerSession({ device, callTimeoutMs: 3000 }, async ({ frontend, guest }) => {
    for (const index of [0, 1]) await guest.exchange(index, 0, 1, () => addEventfd(guest.ring(index).kick));
    const bytes = Uint8Array.of(STUCK >> 8, STUCK & 0xff);
    const answer = frontend.value({ request: 'SET_CONFIG', offset: 0, flags: 0, bytes });
    for (let turn = 0; turn < KICK_TURNS; turn++) {
      for (const index of [0, 1]) addEventfd(guest.ring(index).kick);
      await loopTurn();
    }
    assert.equal(await answer, 1n);
  });
}

const place = process.argv[2] as 'a loop' | 'a lock' | 'a call';
if (place === 'a call') await Promise.all(Array.from({ length: 3 }, playStuckCall));
else await playStuck(place);
console.log('ended');
