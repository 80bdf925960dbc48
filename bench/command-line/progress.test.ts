import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bar, durationOf, makeProgress } from './progress.ts';

const durations: [ms: number, expected: string][] = [
  [0, '0 s'],
  [9499, '9 s'],
  [59_499, '59 s'],
  [59_500, '1:00 min'],
  [125_000, '2:05 min'],
  [3_599_400, '59:59 min'],
  [3_600_000, '1:00 h'],
  [3_900_000, '1:05 h'],
  [360_000_000, '100:00 h'],
];
for (const [ms, expected] of durations)
  test(`progress: ${ms} ms is ${expected}`, () => assert.equal(durationOf(ms), expected));

const bars: [over: number, whole: number, filled: number][] = [
  [0, 7, 0],
  [1, 2, 12],
  [1, 1000, 0],
  [999, 1000, 24],
  [7, 7, 24],
];
for (const [over, whole, filled] of bars)
  test(`progress: a bar of ${over} of ${whole}`, () =>
    assert.equal(bar(over, whole), '█'.repeat(filled) + '░'.repeat(24 - filled)));

function drawn(isTTY: boolean, columns: number): string {
  let text = '';
  const write = (part: string) => {
    text += part;
    return true;
  };
  const progress = makeProgress({ isTTY, columns, write } as NodeJS.WriteStream);
  progress.show('0123456789');
  progress.clear();
  return text;
}

const streams: [what: string, isTTY: boolean, columns: number, expected: string][] = [
  ['is drawn and taken back', true, 80, '\r\x1b[K0123456789\r\x1b[K'],
  ['never wraps', true, 6, '\r\x1b[K01234\r\x1b[K'],
  ['is drawn where a terminal tells no width', true, 0, '\r\x1b[K0123456789\r\x1b[K'],
  ['is for people alone', false, 80, ''],
];
for (const [what, isTTY, columns, expected] of streams)
  test(`progress: the line ${what}`, () => assert.equal(drawn(isTTY, columns), expected));
