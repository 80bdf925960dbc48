import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inOneMode } from './modes.ts';

const cases = [
  // calibrations, in one mode
  [[100, 100, 100, 100], true],
  [[100, 150, 120, 110], true],
  [[100, 151, 120, 110], false],
  [[900, 100], false],
  [[100, null, 100, 100], false],
  [[null, null], false],
] as const;
for (const [calibrations, expected] of cases)
  test(`one mode: [${calibrations}]`, () => assert.equal(inOneMode(calibrations), expected));
