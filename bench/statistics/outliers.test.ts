import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classifyOutliers } from './outliers.ts';

const around = (...more: number[]) => [1, 2, 3, 4, 5, 6, 7, 8, 9, ...more];

const cases: [what: string, values: number[], expected: [number, number, number, number, number]][] = [
  ['none', around(), [0, 0, 9, 0, 0]],
  ['of nothing', [], [0, 0, 0, 0, 0]],
  ['one alone', [4], [0, 0, 1, 0, 0]],
  // With one more on either side the quartiles are 2.5 and 7.5, the fences at −5 and 15, −12.5 and 22.5.
  ['on the mild fences', around(-5, 15), [0, 0, 11, 0, 0]],
  ['beyond the mild fences', around(-5.1, 15.1), [0, 1, 9, 1, 0]],
  ['on the severe fences', around(-12.5, 22.5), [0, 1, 9, 1, 0]],
  ['beyond the severe fences', around(-12.6, 22.6), [1, 0, 9, 0, 1]],
  ['all alike but one', [5, 5, 5, 5, 6], [0, 0, 4, 0, 1]],
];
for (const [what, values, expected] of cases)
  test(`outliers: ${what}`, () => assert.deepEqual(Object.values(classifyOutliers(values)), expected));

// NIST/SEMATECH e-Handbook of Statistical Methods, 7.1.6, What are outliers in the data?: 1441 is between
// the upper fences.
test('outliers: the example of the NIST handbook', () => {
  const values = [30, 171, 184, 201, 212, 250, 265, 270, 272, 289, 305, 306, 322, 322, 336, 346, 351, 370, 390, 404];
  values.push(409, 411, 436, 437, 439, 441, 444, 448, 451, 453, 470, 480, 482, 487, 494, 495, 499, 503, 514, 521, 522);
  values.push(527, 548, 550, 559, 560, 570, 572, 574, 578, 585, 592, 592, 607, 616, 618, 621, 629, 637, 638, 640, 656);
  values.push(668, 707, 709, 719, 737, 739, 752, 758, 766, 792, 792, 794, 802, 818, 830, 832, 843, 858, 860, 869, 918);
  values.push(925, 953, 991, 1000, 1005, 1068, 1441);
  assert.equal(values.length, 90);
  assert.deepEqual(classifyOutliers(values), { lowSevere: 0, lowMild: 0, normal: 89, highMild: 1, highSevere: 0 });
});
