/** The fuzzer of rings: some of its cases, those that failed once, and that it finds and shortens what was planted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RING_ERRORS } from '../ring/errors.ts';
import { fuzzRings, playCase, ringCase } from './fuzz-rings.ts';
import { ALL_HALVES } from './halves.ts';
import { REGRESSIONS } from './regressions.ts';
import { PLANTED } from './test-planted.ts';

const CASES = 1500;
const SEED = 11;
/** In so many cases every planted fault is found, and shortened to so few steps. */
/** Of which every planted fault is soon found; of some seeds the rarest takes 5500 cases. */
const PLANTED_SEED = 4;
const PLANTED_CASES_MAX = 3000;
const PLANTED_STEPS_MAX = 10;

test(`fuzzed rings: ${CASES} cases of seed ${SEED}`, async () => {
  const { cases, calls, requests, refusals, failure } = await fuzzRings({ seed: SEED, cases: CASES });
  assert.equal(failure, null, failure === null ? '' : `case ${failure.number}: ${failure.why}`);
  assert.equal(cases, CASES);
  // They reach what they are to reach: requests on every half, and every error that a running ring has.
  assert.ok(calls > 10 * CASES, `${calls} calls`);
  for (const half of ['vringh', 'vhost-user', 'lguest', 'guest'])
    assert.ok((requests.get(half) ?? 0) > 100, `${half}: ${requests.get(half)}`);
  const missed = Object.keys(RING_ERRORS).filter((code) => !/^(inflight|bad|ring)-/.test(code) && !refusals.has(code));
  assert.deepEqual(missed, []);
});

test('fuzzed rings: the same seed and number are the same case', () => {
  for (let number = 0; number < 20; number++) assert.deepEqual(ringCase(1, number), ringCase(1, number));
  assert.notDeepEqual(ringCase(1, 0), ringCase(2, 0));
  assert.notDeepEqual(ringCase(1, 0), ringCase(1, 3));
});

for (const [what, halves, why] of PLANTED)
  test(`fuzzed rings: ${what}: found and shortened`, async () => {
    const told: number[] = [];
    const starting = (number: number) => told.push(number);
    const { failure } = await fuzzRings({ seed: PLANTED_SEED, cases: PLANTED_CASES_MAX, halves: [halves], starting });
    assert.ok(failure !== null);
    // Whoever watches the process sees that it goes on while it shortens.
    assert.ok(told.filter((number) => number === failure.number).length > 2);
    assert.match(failure.why, why);
    assert.ok(failure.failing.steps.length <= PLANTED_STEPS_MAX, JSON.stringify(failure.failing));
    // Without what was planted nothing is wrong with it.
    assert.equal(playCase(failure.failing, ALL_HALVES.typescript).why, null);
  });

for (const [name, halves] of Object.entries(ALL_HALVES))
  for (const { what, one } of REGRESSIONS)
    test(`fuzzed rings, ${name}: ${what}`, () => {
      assert.equal(playCase(one, halves).why, null);
      // It is plain data.
      assert.deepEqual(JSON.parse(JSON.stringify(one)), one);
    });
