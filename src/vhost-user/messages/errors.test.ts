import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROTOCOL_ERRORS, ProtocolError, type ProtocolErrorCode } from './errors.ts';

for (const code of Object.keys(PROTOCOL_ERRORS) as ProtocolErrorCode[])
  test(`protocol error: ${code} names request and value`, () => {
    const error = new ProtocolError(code, 'SET_VRING_NUM', 2n ** 64n - 1n);
    assert.ok(error instanceof Error);
    assert.deepEqual(
      [error.name, error.code, error.request, error.value],
      ['ProtocolError', code, 'SET_VRING_NUM', 2n ** 64n - 1n],
    );
    for (const part of ['SET_VRING_NUM', PROTOCOL_ERRORS[code], code, '18446744073709551615'])
      assert.ok(error.message.includes(part), part);
  });
