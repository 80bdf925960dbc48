import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bestLine } from './best.ts';
import type { Figures } from './figures.ts';
import { figuresAt, NOTHING, sweepAt } from './test-cells.ts';

/** The last line of a sweep over these arguments in which a cell of these values has these speeds; none: it failed. */
function line(args: string[], speeds: Record<string, number[]>, change: Record<string, Partial<Figures>> = {}): string {
  const { axes, cells, figures } = sweepAt(args, (values) => {
    const of = speeds[values.join(' ')];
    return of === undefined ? NOTHING : figuresAt(of, change[values.join(' ')]);
  });
  return bestLine(axes, cells, figures);
}

const BELLS = ['--doorbell', 'adaptive,pipe,spin'];
const SAME = 'best sound strategy: the default (adaptive)';
const cases: [what: string, args: string[], speeds: Record<string, number[]>, expected: string][] = [
  [
    // Ratios 1.7, 1.8 and 1.9: their standard deviation is 0.1.
    'the median of the rounds, and their standard deviation',
    BELLS,
    { adaptive: [10, 20, 10], pipe: [17, 36, 19], spin: [1, 1, 1] },
    'best sound strategy: pipe, 1.8 ± 0.1 times the default (adaptive)',
  ],
  [
    'little scatter has two decimals',
    ['--doorbell', 'adaptive,pipe'],
    { adaptive: [100, 100, 100], pipe: [122, 123, 124] },
    'best sound strategy: pipe, 1.23 ± 0.01 times the default (adaptive)',
  ],
  [
    'no more than the scatter is said',
    ['--doorbell', 'adaptive,pipe'],
    { adaptive: [10, 10, 10], pipe: [8, 11, 14] },
    'best sound strategy: pipe, 1.1 ± 0.3 times the default (adaptive); no more than the scatter',
  ],
  ['the default', BELLS, { adaptive: [3, 3], pipe: [2, 2], spin: [1, 1] }, SAME],
  ['the default in a tie', ['--doorbell', 'pipe,adaptive'], { adaptive: [3, 3], pipe: [3, 3] }, SAME],
  [
    'one repetition',
    ['--doorbell', 'adaptive,pipe'],
    { adaptive: [10], pipe: [18] },
    'best sound strategy: pipe, 1.8 times the default (adaptive); one repetition tells of no scatter',
  ],
  [
    // 2 × and 8 × make 4 ×; the best of a single condition does not count.
    'over all conditions, geometrically',
    ['--doorbell', 'adaptive,pipe', '--cpus', 'same,distant'],
    { 'adaptive same': [10, 10], 'adaptive distant': [1, 1], 'pipe same': [20, 20], 'pipe distant': [8, 8] },
    'best sound strategy: pipe, 4.00 ± 0.00 times the default (adaptive), over all cpus',
  ],
  [
    'an unsound ordering is never the best',
    ['--ordering', 'seqcst,none,fence,wasm'],
    { seqcst: [10, 10], none: [90, 90], fence: [80, 80], wasm: [12, 12] },
    'best sound strategy: wasm, 1.20 ± 0.00 times the default (seqcst)',
  ],
  [
    'nothing sound at all',
    ['--ordering', 'none', '--doorbell', 'adaptive,pipe'],
    { 'none adaptive': [1, 1], 'none pipe': [2, 2] },
    'no sound strategies were compared: their ordering is not guaranteed by the language',
  ],
  [
    'a strategy with a failed cell is not compared',
    ['--doorbell', 'adaptive,pipe', '--cpus', 'same,distant'],
    { 'adaptive same': [1, 1], 'adaptive distant': [1, 1], 'pipe same': [9, 9] },
    `${SAME}, over all cpus`,
  ],
  [
    'a default with a failed cell is nothing to compare with',
    ['--doorbell', 'adaptive,pipe', '--cpus', 'same,distant'],
    { 'adaptive same': [1, 1], 'pipe same': [9, 9], 'pipe distant': [9, 9] },
    'not compared with the default: adaptive did not end well in every cell',
  ],
  ['all failed', BELLS, {}, 'not compared with the default: adaptive did not end well in every cell'],
  [
    'the default is not swept',
    ['--doorbell', 'pipe,spin', '--batch', '2,4'],
    { 'pipe 2': [1], 'pipe 4': [1], 'spin 2': [1], 'spin 4': [1] },
    'not compared with the default: adaptive batch=1 is not among the cells',
  ],
  [
    'the default in another spelling',
    ['--exit-cost', '0', '--batch', '0.001k,16', '--eventidx', 'on,off', '--delayed-interrupt', 'on,off'],
    Object.fromEntries(
      ['on', 'off'].flatMap((idx) =>
        ['0.001k', '16'].flatMap((batch) =>
          ['on', 'off'].map((delayed) => [`${idx} ${batch} ${delayed} 0`, batch === '16' ? [3, 3] : [1, 1]]),
        ),
      ),
    ),
    'best sound strategy: eventidx=on batch=16 delayed-interrupt=on, 3.00 ± 0.00 times the default ' +
      '(eventidx=off batch=0.001k delayed-interrupt=on)',
  ],
  [
    'the default of --outstanding is the ring',
    ['--ring-size', '1024', '--outstanding', '16,1024'],
    { '1024 16': [2, 2], '1024 1024': [1, 1] },
    'best sound strategy: outstanding=16, 2.00 ± 0.00 times the default (outstanding=1024)',
  ],
  [
    'the ring may be larger than what was swept',
    ['--outstanding', '16,64'],
    { '16': [2, 2], '64': [1, 1] },
    'not compared with the default: outstanding=256 is not among the cells',
  ],
  [
    'layout null is no ring to compare',
    ['--layout', 'null,split', '--doorbell', 'adaptive,pipe'],
    { 'null adaptive': [99, 99], 'null pipe': [999, 999], 'split adaptive': [1, 1], 'split pipe': [2, 2] },
    'best sound strategy: pipe, 2.00 ± 0.00 times the default (adaptive)',
  ],
  [
    'conditions alone',
    ['--cpus', 'same,distant', '--exit-cost', '0,100'],
    {},
    'no strategies were compared: of these axes a program can choose none',
  ],
  [
    'one cell',
    ['--doorbell', 'pipe'],
    { pipe: [1] },
    'no strategies were compared: of these axes a program can choose none',
  ],
  [
    'a fixed rate',
    ['--doorbell', 'adaptive,pipe', '--rate', '1000'],
    { 'adaptive 1000': [1], 'pipe 1000': [2] },
    'no strategies were compared: at a fixed rate they differ in latency, not in speed',
  ],
];
for (const [what, args, speeds, expected] of cases) {
  test(`best: ${what}`, () => assert.equal(line(args, speeds), expected));
}

test('best: a cell that ended badly once is out, whatever its other repetitions', () => {
  const speeds = { adaptive: [1, 1], pipe: [9, 9], spin: [2, 2] };
  assert.match(line(BELLS, speeds), /strategy: pipe, 9/);
  assert.match(line(BELLS, speeds, { pipe: { failed: true } }), /strategy: spin, 2/);
});

test('best: a strategy that lacks a round is not compared by the others', () => {
  assert.match(line(BELLS, { adaptive: [1, 1], pipe: [9], spin: [2, 2] }), /strategy: spin, 2/);
});
