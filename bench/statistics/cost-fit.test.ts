import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Cost, type CostPoint, fitCost, sayCost } from './cost-fit.ts';

const SIZES = [4, 64, 256, 1024, 4096, 16_384, 65_536];
const at = (fixedNs: number, perByteNs: number, factor: (i: number) => number = () => 1): CostPoint[] =>
  SIZES.map((bytes, i) => ({ bytes, ns: (fixedNs + perByteNs * bytes) * factor(i) }));

const fits: [what: string, points: CostPoint[], fixedNs: number, perByteNs: number, tolerance: number][] = [
  ['points on a line', at(200, 0.25), 200, 0.25, 1e-9],
  ['sizes that cost the same', at(300, 0), 300, 0, 1e-9],
  ['only bytes', at(0, 0.1), 0, 0.1, 1e-9],
  ['three sizes', at(200, 0.25).slice(0, 3), 200, 0.25, 1e-9],
  ['2 % off by turns', at(200, 0.25, (i) => 1 + (i % 2 === 0 ? 0.02 : -0.02)), 200, 0.25, 0.02],
  ['one size twice as slow', at(200, 0.25, (i) => (i === 3 ? 2 : 1)), 200, 0.25, 1e-3],
  ['the largest three times as slow', at(200, 0.25, (i) => (i === 6 ? 3 : 1)), 200, 0.25, 1e-3],
];
for (const [what, points, fixedNs, perByteNs, tolerance] of fits)
  test(`cost: ${what}`, () => {
    const fit = fitCost(points)!;
    assert.ok(Math.abs(fit.fixedNs - fixedNs) <= tolerance * (fixedNs || 1), `${fit.fixedNs} ns a transfer`);
    assert.ok(Math.abs(fit.perByteNs - perByteNs) <= tolerance * (perByteNs || 1), `${fit.perByteNs} ns a byte`);
  });

test('cost: the farthest point is told', () => {
  assert.ok(fitCost(at(200, 0.25))!.worst < 1e-9);
  assert.ok(Math.abs(fitCost(at(200, 0.25, (i) => (i === 3 ? 2 : 1)))!.worst - 0.5) < 1e-3);
});

test('cost: two sizes are no line', () => {
  const [a, b] = at(200, 0.25);
  for (const points of [[], [a!], [a!, b!], [a!, b!, a!, b!]]) assert.equal(fitCost(points), null);
});

const said: [cost: Omit<Cost, 'worst'>, text: string][] = [
  [{ fixedNs: 213.4, perByteNs: 0.1571 }, '213 ns a transfer + 0.157 ns a byte (6.37 GB/s)'],
  [{ fixedNs: 1234.5, perByteNs: 0 }, '1,230 ns a transfer + 0 ns a byte'],
  [{ fixedNs: 99, perByteNs: -0.5 }, '99 ns a transfer − 0.5 ns a byte'],
];
for (const [cost, text] of said) test(`cost: ${text}`, () => assert.equal(sayCost(cost), text));
