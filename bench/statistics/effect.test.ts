import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cliffsDelta, effectSize } from './effect.ts';

const TREATED = [10, 10, 20, 20, 20, 30, 30, 30, 40, 50];
const CONTROL = [10, 20, 30, 40, 40, 50];

const deltas: [what: string, a: number[], b: number[], expected: number][] = [
  ['R package effsize, manual of cliff.delta', TREATED, CONTROL, -0.25],
  ['the sides changed', CONTROL, TREATED, 0.25],
  ['all above', [5, 6], [1, 2, 3], 1],
  ['all below', [1, 2, 3], [5, 6], -1],
  ['all alike', [2, 2], [2, 2, 2], 0],
  ['a side without values', [], [1], Number.NaN],
];
for (const [what, a, b, expected] of deltas) test(`effect: ${what}`, () => assert.equal(cliffsDelta(a, b), expected));

const words: [delta: number, word: string][] = [
  [0, 'negligible'],
  [0.146, 'negligible'],
  [-0.147, 'small'],
  [0.329, 'small'],
  [0.33, 'medium'],
  [-0.473, 'medium'],
  [0.474, 'large'],
  [-1, 'large'],
];
for (const [delta, word] of words) test(`effect: ${delta} is ${word}`, () => assert.equal(effectSize(delta), word));
