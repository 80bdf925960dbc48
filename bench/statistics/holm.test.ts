import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holm } from './holm.ts';

const cases: [source: string, ps: number[], expected: number[]][] = [
  ['Wikipedia, Holm–Bonferroni method, the example', [0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]],
  ['R 4: p.adjust(c(0.01, 0.02, 0.03), "holm")', [0.01, 0.02, 0.03], [0.03, 0.04, 0.04]],
  [
    'R 4: p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm")',
    [0.01, 0.02, 0.03, 0.04, 0.05],
    [0.05, 0.08, 0.09, 0.09, 0.09],
  ],
  ['one alone', [0.03], [0.03]],
  ['none', [], []],
  ['never above 1', [0.6, 0.9], [1, 1]],
  ['equal ones', [0.02, 0.02], [0.04, 0.04]],
];
for (const [source, ps, expected] of cases)
  test(`holm: ${source}`, () =>
    assert.deepEqual(
      holm(ps).map((p) => Math.round(p * 1e12) / 1e12),
      expected,
    ));

// Benjamini & Hochberg (Journal of the Royal Statistical Society B 57, 1995), section 4: of these 15 the methods that
// control the probability of any false finding at 0.05 keep the first three.
test('holm: the trial of Benjamini & Hochberg', () => {
  const ps = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1,
  ];
  assert.equal(holm(ps).filter((p) => p <= 0.05).length, 3);
});
