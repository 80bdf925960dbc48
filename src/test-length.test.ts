/** Which combinations the short form has. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inCombinations } from './test-length.ts';

/** Lengths of lists; the places of every combination of them. */
const LENGTHS = [3, 7, 2, 2];
const all = LENGTHS.reduce<number[][]>(
  (places, length) => places.flatMap((before) => Array.from({ length }, (_, place) => [...before, place])),
  [[]],
);

test('test length: of all lists but any one, every combination is there', () => {
  const taken = all.filter((places) => inCombinations(...places));
  for (const [list, length] of LENGTHS.entries()) {
    const others = new Set(taken.map((places) => places.toSpliced(list, 1).join(' ')));
    assert.equal(others.size, all.length / length);
  }
});

test('test length: in the short form half of them', { skip: inCombinations(1) && 'this is the long form' }, () => {
  assert.equal(all.filter((places) => inCombinations(...places)).length, all.length / 2);
});
