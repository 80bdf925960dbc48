/** For tests of what a peer's misbehaviour does. */
import assert from 'node:assert/strict';
import { RingError } from './errors.ts';

/** Runs the call, which must throw a RingError: no other one reaches a caller. */
export function caught(call: () => unknown): RingError {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof RingError, `a RingError, not ${error}`);
    return error;
  }
  return assert.fail('nothing was thrown');
}
