import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzRings } from '../../../src/ring-fuzz/fuzz-rings.ts';
import { inLength } from '../../../src/test-length.ts';
import { LINKED_HALVES } from './linked-halves.ts';

const CASES = inLength(3000, 30_000);

test('linked halves: hostile rings get the answers of the oracle', async () => {
  const { failure, cases, requests } = await fuzzRings({ seed: 2, cases: CASES, halves: [LINKED_HALVES] });
  assert.equal(failure, null);
  assert.equal(cases, CASES);
  for (const half of ['vringh', 'guest']) assert.ok((requests.get(half) ?? 0) > 100, half);
});
