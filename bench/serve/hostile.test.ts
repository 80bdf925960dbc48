/**
 * The program `serve` as a process, and frontends that make what they share block: descriptors of each kind, in each
 * place where the protocol takes one. Whatever they do, the next frontend is served, and SIGTERM ends the program.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setNonBlocking } from '../../src/native/descriptors.ts';
import { addEventfd, takeEventfd } from '../../src/native/eventfd.ts';
import { whyUnavailable } from '../../src/native/libc.ts';
import { fillAndBlock, makeBlocking } from '../../src/native/odd-blocking.ts';
import { file } from '../../src/vhost-user/backend/test-frontend.ts';
import {
  VHOST_USER_SET_BACKEND_REQ_FD,
  VHOST_USER_SET_INFLIGHT_FD,
  VHOST_USER_SET_LOG_FD,
  VHOST_USER_SET_MEM_TABLE,
  VHOST_USER_SET_VRING_KICK,
  VHOST_USER_SET_VRING_NUM,
} from '../../src/vhost-user/messages/protocol.ts';
import { FEATURES, HostileGuest, LOG_ALL, serve } from './test-served.ts';

const skip = whyUnavailable() ?? false;
const timeout = 120_000;
const folder = mkdtempSync(join(tmpdir(), 'vringbench-hostile-serve-'));
after(() => rmSync(folder, { recursive: true }));

/** What a frontend does once it is served. What the backend makes of it is seen from the next one. */
const HOSTILE: Record<string, (guest: HostileGuest) => Promise<void> | void> = {
  'its call eventfd, made to block and full': async (guest) => {
    fillAndBlock(guest.ring.call);
    await guest.ask();
    guest.offer();
    addEventfd(guest.ring.kick);
  },
  'its call, a pipe made to block and full': (guest) => guest.callsInVain('a pipe that is full and blocks'),
  'its call, a socket made to block and full': (guest) => guest.callsInVain('a socket that is full and blocks'),
  'its call, a TCP socket made to block and full': (guest) =>
    guest.callsInVain('a TCP socket that is full and lingers'),
  'its call, a terminal made to block and full': (guest) => guest.callsInVain('a terminal that is full and blocks'),
  'its kick eventfd, made to block and emptied as soon as it is rung': (guest) => {
    makeBlocking(guest.ring.kick);
    for (let i = 0; i < 2000; i++) {
      addEventfd(guest.ring.kick);
      setNonBlocking(guest.ring.kick);
      takeEventfd(guest.ring.kick);
      makeBlocking(guest.ring.kick);
    }
  },
  'its err eventfd, made to block and full': async (guest) => {
    fillAndBlock(guest.ring.err);
    guest.ring.driver.putHead(999);
    guest.ring.driver.publish();
    addEventfd(guest.ring.kick);
    await guest.synchronize();
  },
  'the call of its log, made to block and full': async (guest) => {
    const { frontend, ring } = guest;
    const log = {
      request: 'SET_LOG_BASE',
      sizeBytes: 4096n,
      offsetBytes: 0n,
      handles: [file(guest.odd('a memfd'))],
    } as const;
    assert.equal(await frontend.value(log), 0n);
    fillAndBlock(ring.err);
    assert.equal(await frontend.value({ request: 'SET_LOG_FD', handles: [file(ring.err)] }), 0n);
    makeBlocking(ring.err);
    assert.equal(await frontend.value({ request: 'SET_FEATURES', value: FEATURES | LOG_ALL }), 0n);
    makeBlocking(ring.err);
    guest.offer();
    addEventfd(ring.kick);
  },
  'its channel for the backend, a socket that is full': async (guest) => {
    const handles = [file(guest.odd('a socket that is full and blocks'))];
    await guest.frontend.value({ request: 'SET_BACKEND_REQ_FD', handles });
    await guest.frontend.value({ request: 'SET_VRING_CALL', index: 0, noDescriptor: true });
    await guest.ask();
    guest.offer();
    addEventfd(guest.ring.kick);
  },
  'its kick, which can be read without end': async (guest) => {
    const handles = [file(guest.odd('/dev/zero'))];
    await guest.frontend.value({ request: 'SET_VRING_KICK', index: 0, noDescriptor: false, handles });
    await guest.synchronize();
  },
  'its kick, a pipe that has ended': async (guest) => {
    const handles = [file(guest.odd('a pipe that has ended'))];
    await guest.frontend.value({ request: 'SET_VRING_KICK', index: 0, noDescriptor: false, handles });
    await guest.synchronize();
  },
  'its area of what is in flight, a socket': (guest) => guest.tracksIn('a socket'),
  'its area of what is in flight, a pipe': (guest) => guest.tracksIn('a pipe to be read'),
  'its area of what is in flight, a terminal': (guest) => guest.tracksIn('a terminal that is full and blocks'),
  'its area of what is in flight, an empty file': (guest) => guest.tracksIn('an empty memfd'),
  'a socket that lingers, as its area of what is in flight': (guest) => guest.give(VHOST_USER_SET_INFLIGHT_FD),
  'a socket that lingers, with a message that takes none': (guest) => guest.give(VHOST_USER_SET_VRING_NUM),
  'a socket that lingers, as its channel for the backend': (guest) => guest.give(VHOST_USER_SET_BACKEND_REQ_FD),
  'a socket that lingers, as the call of its log': (guest) => guest.give(VHOST_USER_SET_LOG_FD),
  'a socket that lingers, as its kick': (guest) => guest.give(VHOST_USER_SET_VRING_KICK),
  'a socket that lingers, as its memory': (guest) => guest.give(VHOST_USER_SET_MEM_TABLE),
  'a socket that lingers, more often than a message may carry': (guest) => guest.give(VHOST_USER_SET_VRING_NUM, 40),
  'sockets that linger, in messages that are never taken': (guest) => {
    guest.give(0xffff);
    try {
      for (let i = 0; i < 10; i++) guest.give(VHOST_USER_SET_VRING_NUM);
    } catch {
      // The backend has hung up already.
    }
  },
};

for (const args of [[], ['--threads']])
  test(`hostile serve ${args.join(' ')}: the next frontend is served, and SIGTERM ends it`, {
    skip,
    timeout,
  }, async () => {
    const { path, child, ended } = await serve(join(folder, `served${args.join('')}`), ...args);
    try {
      for (const [what, act] of Object.entries(HOSTILE)) {
        const hostile = new HostileGuest(path);
        let next: HostileGuest | null = null;
        try {
          await hostile.setUp();
          await act(hostile);
          hostile.frontend.channel.close();
          next = new HostileGuest(path);
          await next.setUp();
        } catch (cause) {
          throw new Error(what, { cause });
        } finally {
          next?.close();
          hostile.close();
        }
      }
      const last = new HostileGuest(path);
      await last.setUp();
      fillAndBlock(last.ring.call);
      for (let i = 0; i < 8; i++) last.offer();
      addEventfd(last.ring.kick);
      child.kill('SIGTERM');
      assert.equal(await ended, 0);
      last.close();
    } finally {
      child.kill('SIGKILL');
    }
  });

test('hostile serve: SIGTERM ends it while the hostile frontend is there', { skip, timeout }, async () => {
  for (const [what, act] of Object.entries(HOSTILE)) {
    const { path, child, ended } = await serve(join(folder, 'told-to-end'));
    const hostile = new HostileGuest(path);
    try {
      await hostile.setUp();
      await act(hostile);
      child.kill('SIGTERM');
      assert.equal(await ended, 0);
    } catch (cause) {
      throw new Error(what, { cause });
    } finally {
      child.kill('SIGKILL');
      hostile.close();
    }
  }
});
