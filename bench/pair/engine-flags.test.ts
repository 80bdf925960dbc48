import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineFlags } from './engine-flags.ts';

const cases: [given: string[], kept: string[]][] = [
  [[], []],
  [
    ['--expose-gc', '--max-semi-space-size=64'],
    ['--expose-gc', '--max-semi-space-size=64'],
  ],
  [['--input-type=module', '--eval', 'await run()'], []],
  [
    ['--trace-opt', '-e', 'run()', '--no-warnings'],
    ['--trace-opt', '--no-warnings'],
  ],
  [['-p', '1', '--eval=run()'], []],
];
for (const [given, kept] of cases)
  test(`engine flags: ${given.join(' ') || 'none'}`, () => assert.deepEqual(engineFlags(given), kept));
