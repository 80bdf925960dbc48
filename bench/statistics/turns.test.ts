import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFrom } from './random.ts';
import { correlatedFrom } from './test-noise.ts';
import { areByTurns, turnsNote } from './turns.ts';
import { compareSamples } from './verdict.ts';

const orders: [what: string, order: string, expected: boolean][] = [
  ['nothing', '', true],
  ['one side only', 'AAAA', false],
  ['one of each', 'AB', true],
  ['two of each in blocks: half of each is beside the other', 'AABB', true],
  ['three of each in blocks', 'AAABBB', false],
  ['strictly by turns', 'ABABABABAB', true],
  ['rounds in any order', 'ABBAABABBA', true],
  ['by threes', 'AAABBBAAABBB', true],
  ['by fours', 'AAAABBBBAAAABBBB', false],
  ['by fives', 'AAAAABBBBBAAAAABBBBB', false],
  ['blocks of fifteen', `${'A'.repeat(15)}${'B'.repeat(15)}`, false],
  ['one side around the other', `${'A'.repeat(5)}${'B'.repeat(10)}${'A'.repeat(5)}`, false],
  ['turns after a long block of one side', `${'A'.repeat(25)}${'AB'.repeat(5)}`, false],
  ['three of one a round, one of the other', 'AAABAAABAAAB', true],
  ['five of one a round, one of the other', 'AAAAABAAAAABAAAAAB', false],
];
const timesOf = (order: string, side: string) => [...order].flatMap((of, at) => (of === side ? [at] : []));
for (const [what, order, expected] of orders)
  test(`turns: ${what}`, () => {
    const [a, b] = [timesOf(order, 'A'), timesOf(order, 'B')];
    assert.equal(areByTurns(a, b), expected);
    assert.equal(areByTurns(b, a), expected, 'whichever is A');
    assert.equal(areByTurns(a.toReversed(), b), expected, 'in whatever order they are given');
  });

test('turns: repetitions of one record have one time, and stand together', () => {
  assert.equal(areByTurns(new Array<number>(5).fill(1), new Array<number>(5).fill(2)), false);
});

test('turns: the note counts cells, where there are several', () => {
  assert.equal(turnsNote(0, 5), null);
  assert.match(turnsNote(1, 1)!, /^not measured by turns: .*npm run ab.*baseline/);
  assert.match(turnsNote(3, 20)!, /^3 of 20 cells not measured by turns: /);
});

// Simulations with fixed seeds: why the note is there, and that its bound lies where false verdicts begin.
const TRIES = 200;
const COUNT = 15;
const rounds = (random: () => number) => Array.from({ length: COUNT }, () => (random() < 0.5 ? 'AB' : 'BA')).join('');
const blocks = (size: number) => () =>
  Array.from({ length: 2 * COUNT }, (_, i) => 'AB'[Math.floor(i / size) % 2]).join('');
const noises: [correlation: number, driftPercent: number, falseInBlocksMin: number][] = [
  [0.5, 0, 0.08],
  [0.8, 0, 0.25],
  [0, 6, 0.35],
];
for (const [correlation, driftPercent, falseInBlocksMin] of noises)
  test(`turns: equals, correlation ${correlation}, drift ${driftPercent} %: false verdicts in blocks, few by turns`, () => {
    const falseOf = (orderOf: (random: () => number) => string) => {
      const [noise, random] = [correlatedFrom(5, correlation), randomFrom(6)];
      let wrong = 0;
      for (let seed = 0; seed < TRIES; seed++) {
        const order = orderOf(random);
        const values = noise(order.length).map(
          (deviate, i) => (100 + (driftPercent * i) / order.length) * (1 + 0.03 * deviate),
        );
        const of = (side: string) => timesOf(order, side).map((at) => values[at]!);
        const { verdict } = compareSamples(of('A'), of('B'), { seed, resamples: 200 });
        if (verdict === 'faster' || verdict === 'slower') wrong++;
      }
      return wrong / TRIES;
    };
    assert.ok(falseOf(blocks(COUNT)) >= falseInBlocksMin, `${falseOf(blocks(COUNT))} in blocks`);
    for (const orderOf of [rounds, blocks(1), blocks(3)])
      assert.ok(falseOf(orderOf) <= 0.05, `${falseOf(orderOf)} by turns`);
  });
