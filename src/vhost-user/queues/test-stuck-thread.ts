/** For tests, a program of its own: a queue's thread that never comes back, its session, and the end of both. */
import assert from 'node:assert/strict';
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

await playStuck(process.argv[2] as 'a loop' | 'a lock');
console.log('ended');
