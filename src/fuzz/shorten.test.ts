import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shorten } from './shorten.ts';

test('shortening keeps what it takes, in order, and asks no more than it may', async () => {
  const all = Array.from({ length: 50 }, (_, i) => i);
  const needed = [3, 17, 41];
  let asked = 0;
  const fails = async (some: readonly number[]) => {
    asked++;
    return needed.every((i) => some.includes(i));
  };
  assert.deepEqual(await shorten(all, fails), needed);
  asked = 0;
  await shorten(all, fails, 7);
  assert.ok(asked <= 7);
});
