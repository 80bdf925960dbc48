import assert from 'node:assert/strict';
import { test } from 'node:test';
import { costLines } from './cost-lines.ts';
import { figuresAt, NOTHING, sweepAt } from './test-cells.ts';

const lines = (args: readonly string[], without: readonly number[] = []) => {
  const { axes, cells, figures } = sweepAt(['--workload', 'bulk', ...args], (_, { config: { size, ringSize } }) =>
    without.includes(size) ? NOTHING : figuresAt([1e9 / (50_000 / ringSize + 0.25 * size)]),
  );
  return costLines(axes, cells, figures);
};

const SIZES = ['--size', '4,256,4k'];
const cases: [what: string, args: string[], without: number[], expected: string[]][] = [
  ['three sizes', SIZES, [], ['cost: 195 ns a transfer + 0.25 ns a byte (4 GB/s); no size further off than 0 %']],
  [
    'by ring',
    [...SIZES, '--ring-size', '128,512'],
    [],
    [
      'cost at ring-size=128: 391 ns a transfer + 0.25 ns a byte (4 GB/s); no size further off than 0 %',
      'cost at ring-size=512: 97.7 ns a transfer + 0.25 ns a byte (4 GB/s); no size further off than 0 %',
    ],
  ],
  ['two sizes', ['--size', '4,64'], [], []],
  ['no sizes', ['--ring-size', '64,128,256'], [], []],
  ['three of which one has no figure', SIZES, [256], []],
];
for (const [what, args, without, expected] of cases)
  test(`cost lines: ${what}`, () => assert.deepEqual(lines(args, without), expected));
