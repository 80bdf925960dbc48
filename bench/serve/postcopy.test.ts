/**
 * The program `serve` as a process, in a page fault that its frontend does not serve: a frontend that is gone is not
 * waited for, and SIGTERM ends the program while one lives.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { closeDescriptor } from '../../src/native/descriptors.ts';
import { addEventfd } from '../../src/native/eventfd.ts';
import { waitReadable } from '../../src/native/poll.ts';
import { whyNoUserfaultfd } from '../../src/native/test-toucher.ts';
import { takeFault } from '../../src/native/userfaultfd.ts';
import { file } from '../../src/vhost-user/backend/test-frontend.ts';
import { VHOST_USER_PROTOCOL_F_PAGEFAULT, VHOST_USER_SET_MEM_TABLE } from '../../src/vhost-user/messages/protocol.ts';
import { FEATURES, HostileGuest, serve } from './test-served.ts';

const skip = whyNoUserfaultfd();
const timeout = 120_000;
const FAULT_WITHIN_MS = 30_000;
const folder = mkdtempSync(join(tmpdir(), 'vringbench-postcopy-'));
after(() => rmSync(folder, { recursive: true }));

const REPLY_ACK = 1n << 3n;
const PAGEFAULT = 1n << BigInt(VHOST_USER_PROTOCOL_F_PAGEFAULT);

/** Leaves the backend in a fault on memory of this guest. Resolves to the userfaultfd. */
async function holdInFault({ frontend, guest, ring, offer }: HostileGuest): Promise<number> {
  await frontend.negotiate(FEATURES, REPLY_ACK | PAGEFAULT);
  const [handle] = (await frontend.ask({ request: 'POSTCOPY_ADVISE' })).handles;
  assert.ok(handle?.kind === 'descriptor');
  assert.equal(await frontend.value({ request: 'POSTCOPY_LISTEN' }), 0n);
  await frontend.ask({ request: 'SET_MEM_TABLE', regions: [guest.region], handles: [file(guest.memory)] });
  const confirmation = { request: VHOST_USER_SET_MEM_TABLE, flags: 1, payload: new Uint8Array(8), handles: [] };
  await frontend.channel.send(confirmation);
  assert.deepEqual((await frontend.channel.receive())?.payload, new Uint8Array(8));
  await frontend.setUp(guest, 0);
  offer();
  addEventfd(ring.kick);
  assert.ok(waitReadable(handle.descriptor, FAULT_WITHIN_MS), 'a fault');
  assert.ok(takeFault(handle.descriptor) > 0);
  return handle.descriptor;
}

test('serve: postcopy is offered to frontends that are trusted alone', { skip, timeout }, async () => {
  for (const [name, args, offered] of [
    ['untrusted', [], false],
    ['trusted', ['--postcopy'], true],
  ] as const) {
    const path = join(folder, name);
    const { child } = await serve(path, ...args);
    const guest = new HostileGuest(path);
    try {
      const features = await guest.frontend.value({ request: 'GET_PROTOCOL_FEATURES' });
      assert.equal((features & PAGEFAULT) !== 0n, offered);
    } finally {
      child.kill('SIGKILL');
      guest.close();
    }
  }
});

test('serve --postcopy: no fault outlives its frontend, and none keeps SIGTERM away', { skip, timeout }, async () => {
  const path = join(folder, 'held');
  const { child, ended } = await serve(path, '--postcopy');
  try {
    for (const keepsCopy of [false, true]) {
      const hostile = new HostileGuest(path);
      const userfaultfd = await holdInFault(hostile);
      if (!keepsCopy) closeDescriptor(userfaultfd);
      hostile.frontend.channel.close();
      const next = new HostileGuest(path);
      await next.setUp();
      next.close();
      hostile.close();
      if (keepsCopy) closeDescriptor(userfaultfd);
    }
    const living = new HostileGuest(path);
    const userfaultfd = await holdInFault(living);
    child.kill('SIGTERM');
    assert.equal(await ended, 1);
    closeDescriptor(userfaultfd);
    living.close();
  } finally {
    child.kill('SIGKILL');
  }
});
