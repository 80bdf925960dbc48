/** Payloads that say how much of them counts: room behind it is let pass, in requests and in answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from './errors.ts';
import type { Handle } from './handle.ts';
import { decode, decodeReply, encode, encodeReply, type ReplyToSend, type RequestToSend } from './message.ts';

const file: Handle = { kind: 'descriptor', descriptor: 7 };
const region = { guestAddress: 1n, sizeBytes: 2n, userAddress: 3n, mmapOffset: 4n };
const regions = (count: number) => Array.from({ length: count }, () => region);
const TABLE_MAX = 8 + 8 * 32;
const CONFIG_MAX = 12 + 256;

/** The same message with bytes behind it that are not 0. */
const longer = <M extends { payload: Uint8Array }>(message: M, sizeBytes: number): M => {
  const payload = new Uint8Array(sizeBytes).fill(0xee);
  payload.set(message.payload);
  return { ...message, payload };
};

const sizesUpTo = (from: number, max: number) => [from + 1, from + 4, from + 32, max - 1, max].filter((n) => n <= max);

const REQUESTS: readonly (readonly [what: string, request: RequestToSend, max: number])[] = [
  ['a table of 1 region', { request: 'SET_MEM_TABLE', regions: regions(1), handles: [file] }, TABLE_MAX],
  ['a table of 7 regions', { request: 'SET_MEM_TABLE', regions: regions(7), handles: Array(7).fill(file) }, TABLE_MAX],
  [
    'configuration to be written',
    { request: 'SET_CONFIG', offset: 1, flags: 0, bytes: Uint8Array.of(1, 2) },
    CONFIG_MAX,
  ],
  ['no configuration', { request: 'SET_CONFIG', offset: 1, flags: 0, bytes: new Uint8Array(0) }, CONFIG_MAX],
  ['configuration to be read', { request: 'GET_CONFIG', offset: 0, flags: 0, bytes: new Uint8Array(60) }, CONFIG_MAX],
];
for (const [what, request, max] of REQUESTS)
  test(`counted payload: ${what}, with room behind it`, () => {
    const message = encode(request);
    const meant = decode(message, 'frontend');
    for (const size of sizesUpTo(message.payload.length, max))
      assert.deepEqual(decode(longer(message, size), 'frontend'), meant, `${size} bytes`);
    assert.throws(
      () => decode(longer(message, max + 1), 'frontend'),
      (error) => error instanceof ProtocolError && error.code === 'wrong-size' && error.value === max + 1,
    );
  });

const REPLIES: readonly (readonly [what: string, reply: ReplyToSend, max: number])[] = [
  ['a table of 1 region', { request: 'SET_MEM_TABLE', value: 0n, regions: regions(1) }, TABLE_MAX],
  ['configuration', { request: 'GET_CONFIG', offset: 0, flags: 0, bytes: Uint8Array.of(1, 2) }, CONFIG_MAX],
];
for (const [what, reply, max] of REPLIES)
  test(`counted payload: an answer of ${what}, with room behind it`, () => {
    const message = encodeReply(reply);
    const meant = decodeReply(reply.request, message);
    for (const size of sizesUpTo(message.payload.length, max))
      assert.deepEqual(decodeReply(reply.request, longer(message, size)), meant, `${size} bytes`);
    assert.throws(() => decodeReply(reply.request, longer(message, max + 1)), { code: 'wrong-size' });
  });
