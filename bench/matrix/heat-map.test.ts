import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heatMapLines } from './heat-map.ts';
import { figuresAt, NOTHING, sweepAt } from './test-cells.ts';

function lines(args: string[], speeds: Record<string, number>, coloured = false): string[] {
  const { axes, cells, figures } = sweepAt(args, (values) => {
    const speed = speeds[values.join(' ')];
    return speed === undefined ? NOTHING : figuresAt([speed * 1e6]);
  });
  return heatMapLines([0, 1], axes, cells, figures, coloured);
}

const TWO = ['--eventidx', 'on,off', '--batch', '1,8'];

test('heat map: rows, columns, and shades on a logarithmic scale', () => {
  assert.deepEqual(lines(TWO, { 'on 1': 1, 'on 8': 10, 'off 1': 3, 'off 8': 5 }), [
    'M/s by eventidx and batch',
    '                     1         8',
    '  on           1.000    10.000 █',
    '  off          3.000 ▒   5.000 ▓',
  ]);
});

test('heat map: a cell without figures is a dash, no figures no map', () => {
  assert.deepEqual(lines(TWO, { 'on 1': 1, 'off 8': 2 }).slice(2), [
    '  on           1.000           –',
    '  off                –   2.000 █',
  ]);
  assert.deepEqual(lines(TWO, {}), []);
});

test('heat map: all alike is all good', () => {
  for (const line of lines(TWO, { 'on 1': 2, 'on 8': 2, 'off 1': 2, 'off 8': 2 }).slice(2))
    assert.equal(line.split('█').length, 3);
});

test('heat map: one row, one column', () => {
  assert.deepEqual(lines(['--eventidx', 'on', '--batch', '8'], { 'on 8': 2 }), [
    'M/s by eventidx and batch',
    '                     8',
    '  on           2.000 █',
  ]);
});

test('heat map: the geometric mean over the other axes, and where it is of fewer', () => {
  const speeds = { 'on 1 same': 1, 'on 1 distant': 4, 'on 8 same': 8, 'off 1 same': 1, 'off 1 distant': 1 };
  const map = lines([...TWO, '--cpus', 'same,distant'], speeds);
  assert.equal(map[0], 'M/s by eventidx and batch, geometric mean over cpus');
  assert.match(map[2]!, /^ {2}on +2\.000 . +8\.000\* █$/);
  assert.match(map[3]!, /^ {2}off +1\.000 +–$/);
  assert.equal(map[4], '  * of fewer cells than the others');
});

test('heat map: coloured, it has the same text, and each colour ends where it began', () => {
  const speeds = { 'on 1': 1, 'on 8': 10, 'off 1': 3 };
  const [, head, on, off] = lines(TWO, speeds, true);
  assert.equal(head, lines(TWO, speeds)[1]);
  assert.equal(on, '  on        \x1b[48;5;210m\x1b[30m    1.000 \x1b[0m\x1b[48;5;120m\x1b[30m   10.000 \x1b[0m');
  assert.equal(off, '  off       \x1b[48;5;228m\x1b[30m    3.000 \x1b[0m         –');
});

test('heat map: at a fixed rate it shows round trips, the shortest as the best', () => {
  const { axes, cells, figures } = sweepAt(['--batch', '1,8', '--rate', '1000,2000'], ([batch]) =>
    figuresAt([1000], { roundTripNs: { p50: batch === '1' ? 12_340 : 50_000, p99: null } }),
  );
  assert.deepEqual(heatMapLines([0, 1], axes, cells, figures, false), [
    'Median round trip in µs by batch and rate',
    '               1000      2000',
    '  1          12.3 █    12.3 █',
    '  8          50.0      50.0',
  ]);
});
