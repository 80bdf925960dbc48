import assert from 'node:assert/strict';
import { test } from 'node:test';
import { repetition } from '../records/test-record.ts';
import { parseRunOptions } from './options.ts';
import { doubtOf, windowWarnings } from './window-warnings.ts';

const configOf = (...args: string[]) => parseRunOptions(['--parallel', ...args]).config;
const STEADY = Array<number>(10).fill(5e6);

const short: [transfers: string, wallMs: number, says: RegExp | null][] = [
  ['1k', 1, /^the window took 1\.0 ms, .*: --transfers 200k takes long enough$/],
  ['200k', 40, /took 40\.0 ms, .*--transfers 1M takes/],
  ['3', 0.05, /took 0\.1 ms, .*--transfers 20k takes/],
  ['200k', 99.9, /--transfers 500k takes/],
  ['200k', 100, null],
  ['10M', 2000, null],
];
for (const [transfers, wallMs, says] of short)
  test(`window warnings: ${transfers} transfers in ${wallMs} ms${says === null ? ' are none' : ''}`, () => {
    const lines = windowWarnings(configOf('--transfers', transfers), [
      repetition({ wallNs: 3e9, tenths: STEADY }),
      repetition({ wallNs: wallMs * 1e6, tenths: STEADY }),
    ]);
    if (says === null) assert.deepEqual(lines, []);
    else assert.match(lines.join('\n'), says);
  });

const windows: [what: string, tenths: number[], says: RegExp | null][] = [
  ['all alike', STEADY, null],
  ['scatter of a virtual machine', [5, 4.2, 5.6, 4.9, 5.1, 4, 5.5, 5.2, 4.4, 5].map((m) => m * 1e6), null],
  [
    'loops that are still being compiled',
    [1.2, 2.5, 3.1, 5, 5.1, 5, 5.2, 5, 5.1, 5].map((m) => m * 1e6),
    /first tenths ran at 2\.50 M\/s, its second half at 5\.00$/,
  ],
  [
    'one tenth under another program',
    [5, 5, 5, 5, 5, 2.1, 5, 5, 5, 5].map((m) => m * 1e6),
    /tenth 6 of 10 ran at 2\.10 M\/s, the middle one at 5\.00$/,
  ],
  ['too few to tell', [1, 5, 5], null],
];
for (const [what, tenths, says] of windows)
  test(`window warnings: tenths of ${what}${says === null ? ' are none' : ''}`, () => {
    if (says === null) assert.equal(doubtOf(tenths), null);
    else assert.match(doubtOf(tenths)!, says);
  });

test('window warnings: the first of several, and how many more; none at a fixed rate, none of nothing', () => {
  const slow = repetition({ wallNs: 1e9, tenths: [1, 1, 1, ...STEADY.slice(3)] });
  assert.match(windowWarnings(configOf(), [slow, slow, slow])[0]!, /, and 2 more$/);
  assert.deepEqual(windowWarnings(configOf('--rate', '1k'), [slow]), []);
  assert.deepEqual(windowWarnings(configOf(), []), []);
});
