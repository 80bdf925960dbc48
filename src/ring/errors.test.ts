import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RING_ERRORS, RingError, type RingErrorCode } from './errors.ts';

for (const code of Object.keys(RING_ERRORS) as RingErrorCode[])
  test(`error: ${code} names queue, index and value`, () => {
    const error = new RingError(code, 'net rx', 7, 4096);
    assert.ok(error instanceof Error);
    assert.deepEqual(
      [error.name, error.code, error.queue, error.index, error.value],
      ['RingError', code, 'net rx', 7, 4096],
    );
    for (const part of ['net rx', RING_ERRORS[code], code, '7', '4096']) assert.ok(error.message.includes(part), part);
  });
