import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SECTOR_SIZE } from '../../src/formats/block.ts';
import { checkPattern, fillPattern, SAME } from './pattern.ts';

const WORDS = SECTOR_SIZE / 4;

test('pattern: what is written is found again, in pieces too, and each word of it matters', () => {
  const words = new Int32Array(8 * WORDS);
  fillPattern(words, 0, 7, 1000, 8);
  assert.equal(checkPattern(words, 0, 7, 1000, 8), SAME);
  for (let i = 0; i < 8; i++) assert.equal(checkPattern(words, i * WORDS, 7, 1000 + i, 1), SAME);
  for (const word of [0, 1, WORDS - 1, WORDS, 8 * WORDS - 1]) {
    words[word]! ^= 0x100;
    assert.equal(checkPattern(words, 0, 7, 1000, 8), word * 4);
    words[word]! ^= 0x100;
  }
});

test('pattern: another sector, another seed, nothing at all, are all seen', () => {
  const words = new Int32Array(WORDS);
  fillPattern(words, 0, 7, 1000, 1);
  for (const [seed, sector] of [
    [7, 1001],
    [8, 1000],
    [7, 1000 + 2 ** 32],
    [0, 0],
  ] as const)
    assert.notEqual(checkPattern(words, 0, seed, sector, 1), SAME);
  assert.equal(checkPattern(new Int32Array(WORDS), 0, 7, 1000, 1), 0);
});

test('pattern: 100,000 sectors have different bytes', () => {
  const words = new Int32Array(WORDS);
  const seen = new Set<string>();
  for (let sector = 0; sector < 100_000; sector++) {
    fillPattern(words, 0, 1, sector, 1);
    seen.add(`${words[0]} ${words[1]}`);
  }
  assert.equal(seen.size, 100_000);
});
