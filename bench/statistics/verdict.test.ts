import assert from 'node:assert/strict';
import { test } from 'node:test';
import { samplesFrom } from './test-noise.ts';
import {
  adjustVerdicts,
  type CompareOptions,
  type Comparison,
  compareSamples,
  MORE_MAX,
  type Verdict,
} from './verdict.ts';

const upTo = (count: number, from: number, step: number) => Array.from({ length: count }, (_, i) => from + i * step);
const alike = (count: number, value: number) => new Array<number>(count).fill(value);

const cases: [
  what: string,
  a: number[],
  b: number[],
  options: CompareOptions,
  verdict: Verdict,
  more: number | null,
][] = [
  ['a greater throughput', upTo(8, 100, 1), upTo(8, 120, 1), {}, 'faster', 0],
  ['a smaller throughput', upTo(8, 120, 1), upTo(8, 100, 1), {}, 'slower', 0],
  ['a longer time', upTo(8, 100, 1), upTo(8, 120, 1), { higherIsBetter: false }, 'slower', 0],
  ['a shorter time', upTo(8, 120, 1), upTo(8, 100, 1), { higherIsBetter: false }, 'faster', 0],
  ['the same values', alike(5, 7), alike(5, 7), {}, 'same', 0],
  ['little scatter, no change', upTo(8, 100, 0.1), upTo(8, 100, 0.1), {}, 'same', 0],
  ['a sure change that does not matter', upTo(8, 100, 0.01), upTo(8, 101, 0.01), {}, 'same', 0],
  ['the same change where it matters', upTo(8, 100, 0.01), upTo(8, 101, 0.01), { thresholdPercent: 0.5 }, 'faster', 0],
  ['no scatter, a change', alike(5, 100), alike(5, 95), {}, 'slower', 0],
  // With five a side the smallest p, 2/252, is the first below 0.025.
  ['three a side, a great change', upTo(3, 100, 1), upTo(3, 200, 1), {}, 'not enough data', 2],
  ['three a side, no change', alike(3, 100), alike(3, 100), {}, 'not enough data', 2],
  ['two a side, a great change', upTo(2, 100, 1), upTo(2, 200, 1), {}, 'not enough data', 3],
  ['three a side, whatever alpha', upTo(3, 100, 1), upTo(3, 200, 1), { alpha: 0.2 }, 'not enough data', 2],
  ['two against many', upTo(2, 100, 1), upTo(20, 200, 1), {}, 'not enough data', 3],
  ['one on a side', [100], upTo(20, 200, 1), {}, 'not enough data', null],
  ['one a side', [100], [100], {}, 'not enough data', null],
  [
    'a change at the threshold, much scatter',
    [50, 70, 100, 130, 150],
    [50, 70, 102, 130, 150],
    {},
    'not enough data',
    MORE_MAX,
  ],
];
for (const [what, a, b, options, verdict, more] of cases)
  test(`verdict: ${what}: ${verdict}`, () => {
    const comparison = compareSamples(a, b, options);
    assert.deepEqual([comparison.verdict, comparison.moreRepetitions], [verdict, more]);
  });

test('verdict: a comparison carries what it was judged by', () => {
  const comparison = compareSamples([100, 101, 99, 100, 150], [120, 121, 119, 122, 118, 120], { seed: 3 });
  const { ratio, u, delta, countA, countB, outliersA, outliersB, p, adjustedP, exact, rules } = comparison;
  assert.deepEqual([ratio, u, countA, countB, exact], [1.2, 6, 5, 6, true]);
  // Five of the six are above all but 150: (24 − 6) / 30.
  assert.ok(Math.abs(delta - 0.6) < 1e-12);
  assert.deepEqual([outliersA.highSevere, outliersB.normal], [1, 6]);
  assert.equal(p, adjustedP);
  assert.deepEqual(rules, { thresholdPercent: 2, alpha: 0.025, higherIsBetter: true });
});

const refused: [options: CompareOptions, message: RegExp][] = [
  [{ thresholdPercent: 0 }, /not 0/],
  [{ alpha: 5 }, /not 5/],
];
for (const [options, message] of refused)
  test(`verdict: ${JSON.stringify(options)} is refused`, () =>
    assert.throws(() => compareSamples([1, 2], [1, 2], options), message));

test('verdict: judged together, what was sure alone may be too few; its estimate says how many', () => {
  // All five of b above all of a: p = 2/252, which 20 comparisons raise to 0.16.
  const alone = compareSamples(upTo(5, 100, 1), upTo(5, 110, 1));
  assert.equal(alone.verdict, 'faster');
  const together = adjustVerdicts(new Array<Comparison>(20).fill(alone));
  for (const { verdict, adjustedP, p, moreRepetitions } of together) {
    assert.deepEqual([verdict, adjustedP], ['not enough data', Math.min(1, 20 * p)]);
    // With seven a side p can be 2/3432, a twentieth of 0.012.
    assert.ok(moreRepetitions! >= 2 && moreRepetitions! <= 5, `${moreRepetitions}`);
  }
});

test('verdict: what is the same alone is the same among many', () => {
  const alone = compareSamples(upTo(5, 100, 0.1), upTo(5, 100, 0.1));
  const together = adjustVerdicts(new Array<Comparison>(56).fill(alone));
  assert.ok(together.every(({ verdict, moreRepetitions }) => verdict === 'same' && moreRepetitions === 0));
});

test('verdict: judged together, order, ratios and what is sure stay; judging again changes nothing', () => {
  const samples = samplesFrom(9);
  const changes = [100, 80, 100, 120, 100];
  const alone = changes.map((middle) => compareSamples(samples(15, 100, 0.03), samples(15, middle, 0.03)));
  const together = adjustVerdicts(alone);
  assert.deepEqual([together[1]!.verdict, together[3]!.verdict], ['slower', 'faster']);
  assert.deepEqual(
    together.map(({ ratio }) => ratio),
    alone.map(({ ratio }) => ratio),
  );
  assert.ok(together.every(({ p, adjustedP }) => adjustedP >= p));
  assert.deepEqual(adjustVerdicts(together), together);
  assert.deepEqual(adjustVerdicts([]), []);
  assert.deepEqual(adjustVerdicts(alone.slice(0, 1)), alone.slice(0, 1));
});

// Simulations. The seeds are fixed, so that each holds or does not; the rates of many more tries are in verdict.ts.
const TRIES = 400;
const MATRIX_TRIES = 100;
const SCATTER = 0.03;
const RESAMPLES = 400;
const isChange = ({ verdict }: Comparison) => verdict === 'faster' || verdict === 'slower';

for (const count of [5, 10, 15])
  for (const noise of ['normal', 'lognormal'] as const)
    test(`verdict: ${count} repetitions of the same, ${noise}: silent`, () => {
      const samples = samplesFrom(count, noise);
      let silent = 0;
      for (let seed = 0; seed < TRIES; seed++) {
        const [a, b] = [samples(count, 100, SCATTER), samples(count, 100, SCATTER)];
        if (!isChange(compareSamples(a, b, { seed, resamples: RESAMPLES }))) silent++;
      }
      assert.ok(silent >= 0.95 * TRIES, `${silent} of ${TRIES}`);
    });

for (const count of [5, 10, 15])
  test(`verdict: a matrix of 20 cells, ${count} repetitions of the same: silent`, () => {
    const samples = samplesFrom(100 + count);
    let silent = 0;
    for (let seed = 0; seed < MATRIX_TRIES; seed++) {
      const cells = Array.from({ length: 20 }, () =>
        compareSamples(samples(count, 100, SCATTER), samples(count, 100, SCATTER), { seed, resamples: 100 }),
      );
      if (!adjustVerdicts(cells).some(isChange)) silent++;
    }
    assert.ok(silent >= 0.95 * MATRIX_TRIES, `${silent} of ${MATRIX_TRIES}`);
  });

for (const noise of ['normal', 'lognormal'] as const)
  test(`verdict: a slowdown by 5 %, 15 repetitions, ${noise}: found`, () => {
    const samples = samplesFrom(1, noise);
    let found = 0;
    for (let seed = 0; seed < TRIES; seed++) {
      const [a, b] = [samples(15, 100, SCATTER), samples(15, 95, SCATTER)];
      if (compareSamples(a, b, { seed, resamples: RESAMPLES }).verdict === 'slower') found++;
    }
    assert.ok(found >= 0.9 * TRIES, `${found} of ${TRIES}`);
  });

test('verdict: as many more repetitions as are asked for decide more often than not', () => {
  const samples = samplesFrom(21);
  let [asked, decided] = [0, 0];
  for (let seed = 0; seed < TRIES; seed++) {
    const [a, b] = [samples(6, 100, SCATTER), samples(6, 95, SCATTER)];
    const { moreRepetitions } = compareSamples(a, b, { seed, resamples: RESAMPLES });
    if (!moreRepetitions || moreRepetitions > 50) continue;
    asked++;
    a.push(...samples(moreRepetitions, 100, SCATTER));
    b.push(...samples(moreRepetitions, 95, SCATTER));
    if (compareSamples(a, b, { seed, resamples: RESAMPLES }).verdict === 'slower') decided++;
  }
  assert.ok(asked > 20 && decided > asked / 2, `${decided} of ${asked}`);
});
