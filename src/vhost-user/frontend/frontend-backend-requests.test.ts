import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../messages/channel.ts';
import { ProtocolError } from '../messages/errors.ts';
import type { Handle } from '../messages/handle.ts';
import { decodeReply, encode } from '../messages/message.ts';
import { channelPair } from '../messages/test-channel.ts';
import { serveBackendRequests } from './frontend-backend-requests.ts';

const descriptor: Handle = { kind: 'descriptor', descriptor: 7 };

function stage() {
  const [ours, theirs] = channelPair();
  const told: string[] = [];
  const ended = serveBackendRequests(ours, {
    queueCount: 5,
    onConfigChange: () => told.push('config'),
    onCall: (index) => told.push(`call ${index}`),
    onQueueError: (index) => told.push(`error ${index}`),
  });
  return { ours, theirs, told, ended };
}

test('backend requests: what is served is told, and answered where that is wanted', async () => {
  const { theirs, told, ended } = stage();
  await theirs.send(encode({ request: 'BACKEND_VRING_CALL', index: 3, num: 0 }));
  await theirs.send(encode({ request: 'BACKEND_VRING_ERR', index: 4, num: 0 }));
  await theirs.send(encode({ request: 'BACKEND_CONFIG_CHANGE_MSG', needsReply: true }));
  const answer = await theirs.receive();
  assert.equal(decodeReply('BACKEND_CONFIG_CHANGE_MSG', answer!).value, 0n);
  assert.deepEqual(told, ['call 3', 'error 4', 'config']);
  theirs.close();
  assert.equal(await ended, null);
});

test('backend requests: what is of no use is refused, its descriptors given back, and the next one served', async () => {
  const { ours, theirs, told, ended } = stage();
  const area = { shmid: 0, fileOffset: 0n, shmOffset: 0n, sizeBytes: 4096n, flags: 0n };
  await theirs.send(encode({ request: 'BACKEND_SHMEM_MAP', ...area, handles: [descriptor], needsReply: true }));
  const answer = await theirs.receive();
  assert.notEqual(decodeReply('BACKEND_SHMEM_MAP', answer!).value, 0n);
  assert.deepEqual(ours.released, [descriptor]);
  await theirs.send(encode({ request: 'BACKEND_VRING_CALL', index: 0, num: 0 }));
  theirs.close();
  await ended;
  assert.deepEqual(told, ['call 0']);
});

for (const request of ['BACKEND_VRING_CALL', 'BACKEND_VRING_ERR'] as const)
  for (const index of [5, 77, 255, 256, 2 ** 32 - 1])
    test(`backend requests: ${request} of queue ${index} of 5 is refused, and nobody told`, async () => {
      const { theirs, told, ended } = stage();
      await theirs.send(encode({ request, index, num: 0, needsReply: true }));
      assert.equal(decodeReply(request, (await theirs.receive())!).value, 1n);
      // One that does not want an answer is passed over; the next is served.
      await theirs.send(encode({ request, index, num: 0 }));
      await theirs.send(encode({ request, index: 4, num: 0, needsReply: true }));
      assert.equal(decodeReply(request, (await theirs.receive())!).value, 0n);
      assert.deepEqual(told, [request === 'BACKEND_VRING_CALL' ? 'call 4' : 'error 4']);
      theirs.close();
      assert.equal(await ended, null);
    });

const spoilt: [what: string, message: Partial<Message>, code: string][] = [
  ['no request of a backend', { request: 99 }, 'unknown-request'],
  ['an answer', { flags: 5 }, 'unexpected-reply'],
  ['a payload too long', { payload: new Uint8Array(8) }, 'wrong-size'],
  ['a descriptor that none should come with', { handles: [descriptor] }, 'too-many-descriptors'],
];
for (const [what, change, code] of spoilt)
  test(`backend requests: ${what} closes the channel`, async () => {
    const { ours, theirs, ended } = stage();
    await theirs.send({ ...encode({ request: 'BACKEND_CONFIG_CHANGE_MSG' }), ...change });
    const error = await ended;
    assert.ok(error instanceof ProtocolError && error.code === code);
    assert.equal(ours.closed, true);
    assert.deepEqual(ours.released, change.handles ?? []);
  });
