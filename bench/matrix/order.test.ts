import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SEED_MAX } from '../statistics/random.ts';
import { tasksInOrder } from './order.ts';

const sizes: [cells: number, repetitions: number][] = [
  [1, 1],
  [1, 5],
  [2, 3],
  [56, 5],
];
for (const [cells, repetitions] of sizes)
  for (const seed of [0, 1, SEED_MAX])
    test(`order: ${cells} cells × ${repetitions}, seed ${seed}: rounds of every cell once`, () => {
      const tasks = tasksInOrder(cells, repetitions, seed);
      assert.equal(tasks.length, cells * repetitions);
      for (let round = 1; round <= repetitions; round++) {
        const of = tasks.slice((round - 1) * cells, round * cells);
        assert.deepEqual(new Set(of.map(({ repetition }) => repetition)), new Set([round]));
        assert.equal(new Set(of.map(({ cell }) => cell)).size, cells);
      }
    });

test('order: a seed has one order, another seed another, and no two rounds of a sweep are alike', () => {
  const orderOf = (seed: number) => tasksInOrder(20, 3, seed).map(({ cell }) => cell);
  assert.deepEqual(orderOf(7), orderOf(7));
  assert.notDeepEqual(orderOf(7), orderOf(8));
  assert.notDeepEqual(orderOf(7).slice(0, 20), orderOf(7).slice(20, 40));
});

test('order: over many seeds every cell comes as often at every place', () => {
  const CELLS = 5;
  const SEEDS = 5000;
  const counts = Array.from({ length: CELLS }, () => new Array<number>(CELLS).fill(0));
  for (let seed = 0; seed < SEEDS; seed++)
    for (const [place, { cell }] of tasksInOrder(CELLS, 1, seed).entries()) counts[cell]![place]!++;
  // The seeds are always the same, so that this holds or does not; a fair shuffle has 1000 ± 28.
  for (const count of counts.flat()) assert.ok(Math.abs(count - SEEDS / CELLS) < 120, `${counts}`);
});
