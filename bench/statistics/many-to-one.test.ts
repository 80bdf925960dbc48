import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ManyToOne, manyToOne } from './many-to-one.ts';
import { normalFrom, randomFrom } from './random.ts';

interface Truth {
  many: number;
  rounds: number;
  /** Standard deviations of the logarithm of the others' scatters. */
  unequal?: number;
  /** The one's scatter in those of the others. */
  baseScatter?: number;
  heavy?: boolean;
  /** By how much the first of the many is truly above the one; the others are equal to it. */
  gain?: number;
}

const TRIES = 500;
const SCATTER = 0.03;

/** What is told of rounds that scatter as given. */
function* simulated(truth: Truth, tries = TRIES): Generator<ManyToOne> {
  const { many, rounds, unequal = 0, baseScatter = 1, heavy = false, gain = 0 } = truth;
  const deviate = normalFrom(randomFrom(100 * many + rounds));
  const noise = () =>
    heavy ? deviate() / Math.sqrt((deviate() ** 2 + deviate() ** 2 + deviate() ** 2) / 3) : deviate();
  for (let i = 0; i < tries; i++) {
    const scatters = Array.from({ length: many }, () => SCATTER * Math.exp(unequal * deviate()));
    const base = Array.from({ length: rounds }, () => SCATTER * baseScatter * noise());
    yield manyToOne(scatters.map((scatter, at) => base.map((b) => scatter * noise() - b + (at === 0 ? gain : 0))));
  }
}

const truths: [what: string, change: Partial<Truth>][] = [
  ['equal scatters', {}],
  ['heavy tails', { heavy: true }],
  ['scatters that differ', { unequal: 1 }],
  ['scatters that differ, heavy tails', { unequal: 1, heavy: true }],
  ['a one that scatters thrice as much', { baseScatter: 3 }],
];
for (const [what, change] of truths)
  for (const many of [2, 8, 27])
    test(`many to one: of ${many} all intervals hold at once, none is told from its equal: ${what}`, () => {
      for (const rounds of [2, 3, 5, 10]) {
        let held = 0;
        let told = 0;
        for (const { differences } of simulated({ many, rounds, ...change })) {
          if (differences.every(({ low, high }) => low <= 0 && 0 <= high)) held++;
          if (differences.some(({ low }) => low > 0)) told++;
        }
        assert.ok(told <= 0.05 * TRIES, `${told} of ${TRIES} told after ${rounds} rounds`);
        assert.ok(held >= 0.9 * TRIES, `${held} of ${TRIES} held after ${rounds} rounds`);
      }
    });

// At the number said, a difference of that size lies on the edge: it is told in about half of the tries.
for (const [many, rounds] of [
  [1, 3],
  [2, 3],
  [27, 2],
] as const)
  test(`many to one: the rounds said to be needed tell, and not many times fewer do: ${many} after ${rounds}`, () => {
    const gain = 0.02;
    const needed = [...simulated({ many, rounds, gain })]
      .filter(({ differences }) => Math.abs(differences[0]!.mean / gain - 1) < 0.2)
      .map(({ roundsNeeded }) => roundsNeeded(0))
      .sort((a, b) => a - b);
    const typical = needed[needed.length >> 1]!;
    const toldAfter = (rounds: number) =>
      [...simulated({ many, rounds, gain }, 100)].filter(({ differences }) => differences[0]!.low > 0).length;
    assert.ok(toldAfter(2 * typical) >= 70, `${toldAfter(2 * typical)} of 100 told after twice ${typical}`);
    assert.ok(
      toldAfter(Math.ceil(typical / 3)) <= 40,
      `${toldAfter(Math.ceil(typical / 3))} after a third of ${typical}`,
    );
  });

test('many to one: a difference that is told needs no more rounds', () => {
  const { roundsNeeded } = manyToOne([[1, 1.01, 0.99]]);
  assert.ok(roundsNeeded(0) <= 3, `${roundsNeeded(0)}`);
});

const refused: [what: string, rounds: number[][]][] = [
  ['nothing', []],
  ['one round', [[1], [2]]],
  ['rounds that one of them lacks', [[1, 2], [1]]],
];
for (const [what, rounds] of refused)
  test(`many to one: ${what} is refused`, () => assert.throws(() => manyToOne(rounds), RangeError));
