/**
 * Descriptors of every kind where a frontend should send eventfds and sockets: at most its queue is broken by them, the
 * other queue goes on, and so does the thread: it neither blocks nor spins. Real sockets, real files.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addEventfd, takeEventfd } from '../../native/eventfd.ts';
import { whyUnavailable } from '../../native/libc.ts';
import { ODD_DESCRIPTOR_KINDS, type OddDescriptorKind } from '../../native/odd-descriptors.ts';
import { until } from './test-frontend.ts';
import { FEATURES, LOG_ALL, type Peer, PROTOCOL, REPLY_ACK, withPeer } from './test-hostile-peer.ts';
import { type ServedSocket, withServedSocket } from './test-server.ts';

const skip = whyUnavailable() ?? false;

/**
 * What becomes of queue 0.
 *
 *     refused   the request is refused, and the queue broken
 *     broken    it breaks by itself, and is not looked at any more
 *     waits     it goes on, and waits for kicks that may never come
 *     goes on   requests are served, the calls go nowhere
 */
type Fate = 'refused' | 'broken' | 'waits' | 'goes on';

const KICKS: Record<OddDescriptorKind, Fate> = {
  'a directory': 'refused',
  'a file': 'refused',
  'a file to be read only': 'refused',
  'a file to be written only': 'refused',
  'a place and no file': 'refused',
  '/dev/null': 'refused',
  '/dev/zero': 'refused',
  '/dev/urandom': 'refused',
  'an eventfd that blocks': 'waits',
  'an eventfd that is full and blocks': 'waits',
  'a pipe to be read': 'waits',
  'a pipe that has ended': 'broken',
  'a pipe that nobody reads': 'broken',
  'a pipe that is full and blocks': 'waits',
  'a socket': 'waits',
  'a socket with three bytes': 'broken',
  'a socket that has ended': 'broken',
  'a socket that is full and blocks': 'waits',
  'a TCP socket that is full and lingers': 'waits',
  'a terminal that is full and blocks': 'refused',
  'an epoll descriptor': 'refused',
  'an empty memfd': 'refused',
  'a memfd': 'refused',
  'a memfd that nobody could map': 'refused',
};

const CALLS: Record<OddDescriptorKind, Fate> = {
  'a directory': 'broken',
  'a file': 'broken',
  'a file to be read only': 'broken',
  'a file to be written only': 'broken',
  'a place and no file': 'broken',
  '/dev/null': 'broken',
  '/dev/zero': 'broken',
  '/dev/urandom': 'broken',
  'an eventfd that blocks': 'goes on',
  'an eventfd that is full and blocks': 'goes on',
  'a pipe to be read': 'broken',
  'a pipe that has ended': 'broken',
  'a pipe that nobody reads': 'broken',
  'a pipe that is full and blocks': 'goes on',
  'a socket': 'goes on',
  'a socket with three bytes': 'goes on',
  'a socket that has ended': 'broken',
  'a socket that is full and blocks': 'goes on',
  'a TCP socket that is full and lingers': 'goes on',
  'a terminal that is full and blocks': 'broken',
  'an epoll descriptor': 'broken',
  'an empty memfd': 'broken',
  'a memfd': 'broken',
  'a memfd that nobody could map': 'broken',
};

const kicks = (peer: Peer, index: number) => () => addEventfd(peer.guest.ring(index).kick);

/** Queues that broke since then, by index. */
const brokenQueues = ({ events }: ServedSocket, since: number) =>
  events.slice(since).flatMap((event) => (event.kind === 'queue-broken' ? [event.index] : []));

async function checkFate(served: ServedSocket, peer: Peer, { fate, what, since }: Expected): Promise<void> {
  if (fate === 'refused' || fate === 'broken')
    await until(() => brokenQueues(served, since).includes(0), `${what}: that queue 0 breaks`);
  if (fate === 'broken') await until(() => takeEventfd(peer.guest.ring(0).err), `${what}: the err eventfd`);
  assert.deepEqual(brokenQueues(served, since), fate === 'refused' || fate === 'broken' ? [0] : [], what);
  // Whatever became of it, the other queue and the session go on, and it can be set up anew.
  await peer.exchange(1);
  await peer.frontend.stop(0);
  await peer.frontend.setUp(peer.guest, 0, peer.guest.ring(0).driver.availIdx);
  await peer.exchange(0);
}

interface Expected {
  readonly fate: Fate;
  readonly what: string;
  readonly since: number;
}

test('hostile descriptors: every kind as kick', { skip }, () =>
  withServedSocket(async (served) => {
    for (const kind of ODD_DESCRIPTOR_KINDS)
      await withPeer(served, async (peer) => {
        const { frontend } = peer;
        const fate = KICKS[kind];
        const what = `${kind} as kick`;
        await peer.reach('running', PROTOCOL | REPLY_ACK);
        const since = served.events.length;
        const request = { request: 'SET_VRING_KICK', index: 0, noDescriptor: false } as const;
        const answer = await frontend.value({ ...request, handles: [peer.odd(kind)] });
        assert.equal(answer, fate === 'refused' ? 1n : 0n, what);
        await checkFate(served, peer, { fate, what, since });
      });
  }),
);

test('hostile descriptors: one eventfd that blocks as kick of both queues, of which one finds nothing', { skip }, () =>
  withServedSocket((served) =>
    withPeer(served, async (peer) => {
      const { frontend, guest } = peer;
      await peer.reach('running', PROTOCOL | REPLY_ACK);
      const shared = peer.odd('an eventfd that blocks');
      const descriptor = shared.kind === 'descriptor' ? shared.descriptor : -1;
      for (const index of [0, 1]) {
        const handles = [shared];
        assert.equal(await frontend.value({ request: 'SET_VRING_KICK', index, noDescriptor: false, handles }), 0n);
      }
      for (let i = 0; i < 20; i++) addEventfd(descriptor);
      await peer.synchronize();
      for (const index of [0, 1]) guest.offer(index, 4, 7);
      // Either queue may be the one that takes the kick.
      const isServed = () => [0, 1].some((index) => guest.ring(index).driver.readUsed() !== null);
      addEventfd(descriptor);
      await until(isServed, 'an answer');
      await peer.synchronize();
    }),
  ),
);

test('hostile descriptors: every kind as call', { skip }, () =>
  withServedSocket(async (served) => {
    for (const kind of ODD_DESCRIPTOR_KINDS)
      await withPeer(served, async (peer) => {
        const { frontend, guest } = peer;
        const fate = CALLS[kind];
        const what = `${kind} as call`;
        await peer.reach('running', PROTOCOL | REPLY_ACK);
        const since = served.events.length;
        const request = { request: 'SET_VRING_CALL', index: 0, noDescriptor: false } as const;
        assert.equal(await frontend.value({ ...request, handles: [peer.odd(kind)] }), 0n, what);
        // More calls than a pipe or a socket has room for.
        if (fate === 'goes on') for (let i = 0; i < 50; i++) await guest.exchange(0, 4, i, kicks(peer, 0));
        await checkFate(served, peer, { fate, what, since });
      });
  }),
);

test('hostile descriptors: every kind as err, and as call of the log', { skip }, () =>
  withServedSocket(async (served) => {
    for (const kind of ODD_DESCRIPTOR_KINDS)
      for (const role of ['err', 'log call'] as const)
        await withPeer(served, async (peer) => {
          const { frontend, guest } = peer;
          const what = `${kind} as ${role}`;
          await peer.reach('running', PROTOCOL | REPLY_ACK);
          const handles = [peer.odd(kind)];
          const since = served.events.length;
          if (role === 'err') {
            const request = { request: 'SET_VRING_ERR', index: 0, noDescriptor: false, handles } as const;
            assert.equal(await frontend.value(request), 0n, what);
            guest.ring(0).driver.putHead(999);
            guest.ring(0).driver.publish();
          } else {
            const log = { request: 'SET_LOG_BASE', sizeBytes: 64n, offsetBytes: 0n, handles: [peer.file(64)] } as const;
            assert.equal(await frontend.value(log), 0n);
            assert.equal(await frontend.value({ request: 'SET_LOG_FD', handles }), 0n, what);
            assert.ok((await frontend.value({ request: 'SET_FEATURES', value: FEATURES | LOG_ALL })) <= 1n, what);
            guest.offer(0, 4, 1);
          }
          kicks(peer, 0)();
          if (role === 'err') {
            await until(() => brokenQueues(served, since).includes(0), `${what}: that it breaks`);
            await peer.exchange(1);
          } else {
            const isOver = () => guest.ring(0).driver.readUsed() !== null || brokenQueues(served, since).length > 0;
            await until(isOver, `${what}: an answer or the end of the queue`);
          }
          await peer.synchronize();
        });
  }),
);

test('hostile descriptors: every kind as the channel for the backend’s own requests', { skip }, () =>
  withServedSocket(async (served) => {
    for (const kind of ODD_DESCRIPTOR_KINDS)
      await withPeer(served, async (peer) => {
        const { frontend, guest } = peer;
        const what = `${kind} as backend channel`;
        await peer.reach('running', PROTOCOL | REPLY_ACK);
        assert.equal(await frontend.value({ request: 'SET_BACKEND_REQ_FD', handles: [peer.odd(kind)] }), 0n, what);
        const request = { request: 'SET_VRING_CALL', index: 0, noDescriptor: true } as const;
        assert.equal(await frontend.value(request), 0n, what);
        // Calls that travel as messages now, over whatever it is.
        for (let i = 0; i < 20; i++) await guest.exchange(0, 4, i, kicks(peer, 0));
        await peer.exchange(1);
        await peer.synchronize();
      });
  }),
);
