import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NANOSECONDS, readMonotonic, SECONDS, TIME_WORDS } from './clock.ts';
import { whyUnavailable } from './libc.ts';

const skip = whyUnavailable() ?? false;

test("native clock: the engine's own, in seconds and nanoseconds", { skip }, () => {
  const time = new Int32Array(TIME_WORDS);
  for (let i = 0; i < 100; i++) {
    const before = process.hrtime.bigint();
    readMonotonic(time);
    const after = process.hrtime.bigint();
    const read = BigInt(time[SECONDS]!) * 1_000_000_000n + BigInt(time[NANOSECONDS]!);
    assert.ok(before <= read && read <= after);
  }
});
