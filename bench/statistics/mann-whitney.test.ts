import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mannWhitney, smallestP } from './mann-whitney.ts';
import { samplesFrom } from './test-noise.ts';

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

// R's data set airquality, ozone in New York 1973: May and August without the missing days.
const OZONE_MAY = [41, 36, 12, 18, 28, 23, 19, 8, 7, 16, 11, 14, 18, 14, 34, 6, 30, 11, 1, 11, 4, 32, 23, 45, 115, 37];
const OZONE_AUGUST = [
  39, 9, 16, 78, 35, 66, 122, 89, 110, 44, 28, 65, 22, 59, 23, 31, 44, 21, 9, 45, 168, 73, 76, 118, 84, 85,
];
// Hollander & Wolfe, Nonparametric Statistical Methods (1973), p. 69: permeability of the chorioamnion at two ages.
const AT_TERM = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
const EARLIER = [1.15, 0.88, 0.9, 0.74, 1.21];

const published: [source: string, a: number[], b: number[], u: number, p: number, digits: number, exact: boolean][] = [
  ['SciPy manual, mannwhitneyu', [19, 22, 16, 29, 24], [20, 11, 17, 12], 17, 0.1111, 4, true],
  // There one-sided: p = 0.1272.
  ['R manual, wilcox.test: Hollander & Wolfe', AT_TERM, EARLIER, 35, 0.2544, 4, true],
  ['R manual, wilcox.test: airquality', OZONE_MAY, OZONE_AUGUST, 127.5, 0.0001208, 7, false],
];
for (const [source, a, b, u, p, digits, exact] of published)
  test(`mann-whitney: ${source}`, () => {
    const result = mannWhitney(a, b);
    assert.deepEqual([result.u, Number(result.p.toFixed(digits)), result.exact], [u, p, exact]);
  });

/** Samples without ties in which `u` of the pairs have the greater value in the first one. */
function samplesOf(u: number, countA: number, countB: number): [a: number[], b: number[]] {
  const a = upTo(countA).map((i) => {
    const above = Math.min(countB, Math.max(0, u - (i - 1) * countB));
    return above + 0.1 + (0.8 * i) / (countA + 1);
  });
  return [a, upTo(countB)];
}

// Siegel, Nonparametric Statistics for the Behavioral Sciences (1956), table K: the greatest U that is significant,
// two-sided, at 0.05.
const critical: [countA: number, countB: number, u: number][] = [
  [4, 4, 0],
  [5, 5, 2],
  [6, 6, 5],
  [7, 7, 8],
  [8, 8, 13],
  [9, 9, 17],
  [10, 10, 23],
  [12, 12, 37],
  [15, 15, 64],
  [20, 20, 127],
  [3, 8, 2],
  [3, 5, 0],
  [5, 10, 8],
  [10, 15, 39],
  [10, 20, 55],
];
for (const [countA, countB, u] of critical)
  test(`mann-whitney: at ${countA} and ${countB} values U = ${u} is the last below 0.05`, () => {
    const [last, next] = [u, u + 1].map((pairs) => mannWhitney(...samplesOf(pairs, countA, countB)));
    assert.deepEqual([last!.u, next!.u], [u, u + 1]);
    assert.ok(last!.p <= 0.05 && next!.p > 0.05, `${last!.p} ${next!.p}`);
  });

// Mann & Whitney 1947, table I: the probability of a U not above the given one, one-sided, three digits.
const probabilities: [countA: number, countB: number, u: number, p: number][] = [
  [3, 3, 0, 0.05],
  [3, 3, 1, 0.1],
  [4, 4, 0, 0.014],
  [4, 4, 3, 0.1],
  [5, 5, 2, 0.016],
  [8, 8, 13, 0.025],
];
for (const [countA, countB, u, p] of probabilities)
  test(`mann-whitney: at ${countA} and ${countB} values the probability of U ≤ ${u}`, () =>
    assert.equal(Number((mannWhitney(...samplesOf(u, countA, countB)).p / 2).toFixed(3)), p));

/** By going through all ways to choose `a` from both: what the counting must come to. */
function bruteForceP(a: number[], b: number[]): number {
  const all = [...a, ...b];
  const pairs = (x: number[], y: number[]) =>
    x.flatMap((one) => y.map((other) => (Math.sign(one - other) + 1) / 2)).reduce((sum, of) => sum + of, 0);
  const far = (x: number[], y: number[]) => Math.abs(pairs(x, y) - (a.length * b.length) / 2);
  let ways = 0;
  let asFar = 0;
  for (let chosen = 0; chosen < 1 << all.length; chosen++) {
    const x = all.filter((_, i) => chosen & (1 << i));
    if (x.length !== a.length) continue;
    ways++;
    if (
      far(
        x,
        all.filter((_, i) => !(chosen & (1 << i))),
      ) >= far(a, b)
    )
      asFar++;
  }
  return asFar / ways;
}
const tied: [a: number[], b: number[]][] = [
  [
    [1, 2, 2, 3],
    [2, 3, 4, 4, 5],
  ],
  [
    [1, 1, 1],
    [1, 2],
  ],
  [
    [7, 7, 7, 7],
    [7, 7, 7],
  ],
  [
    [5, 5, 6, 6, 6],
    [1, 5, 5, 2],
  ],
];
for (const [a, b] of tied)
  test(`mann-whitney: ties: ${a} and ${b} as by going through all ways`, () => {
    const { p, exact } = mannWhitney(a, b);
    assert.ok(exact && Math.abs(p - bruteForceP(a, b)) < 1e-12, `${p} ${bruteForceP(a, b)}`);
  });

test('mann-whitney: the sides may be changed, and the scale bent', () => {
  const samples = samplesFrom(5);
  for (const count of [3, 10, 25, 40]) {
    const [a, b] = [samples(count, 100, 0.1), samples(count + 2, 105, 0.1)];
    const [one, other, bent] = [mannWhitney(a, b), mannWhitney(b, a), mannWhitney(a.map(Math.log), b.map(Math.log))];
    assert.equal(one.u + other.u, count * (count + 2));
    assert.ok(Math.abs(one.p - other.p) < 1e-12);
    assert.deepEqual(one, bent);
  }
});

test('mann-whitney: just above 50 values the approximation is near what counting gives', () => {
  for (const shift of [1, 1.03, 1.06]) {
    const samples = samplesFrom(11);
    const [a, b] = [samples(25, 100, 0.1), samples(25, 100 * shift, 0.1)];
    const counted = mannWhitney(a, b);
    // One more value in the middle of all moves little.
    const approximated = mannWhitney(a, [...b, 100 * Math.sqrt(shift)]);
    assert.deepEqual([counted.exact, approximated.exact], [true, false]);
    assert.ok(Math.abs(counted.p - approximated.p) < 0.05, `${counted.p} ${approximated.p}`);
  }
});

const smallest: [countA: number, countB: number, p: number][] = [
  [1, 1, 1],
  [3, 3, 0.1],
  [4, 4, 2 / 70],
  [15, 15, 2 / 155_117_520],
];
for (const [countA, countB, p] of smallest)
  test(`mann-whitney: the smallest p of ${countA} and ${countB} values`, () => {
    assert.ok(Math.abs(smallestP(countA, countB) - p) < 1e-15);
    assert.ok(Math.abs(mannWhitney(...samplesOf(0, countA, countB)).p - p) < 1e-12);
  });

test('mann-whitney: many equal values tell nothing; no values and no numbers are refused', () => {
  const same = new Array<number>(40).fill(3);
  assert.deepEqual(mannWhitney(same, same), { u: 800, p: 1, exact: false });
  assert.throws(() => mannWhitney([], [1]), /0 and 1 values/);
  assert.throws(() => mannWhitney([1], [2, Number.NaN]), /value 2 of both samples/);
});
