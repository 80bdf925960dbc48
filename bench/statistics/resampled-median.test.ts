import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFrom } from './random.ts';
import { drawerOfMany, MANY, medianDrawer } from './resampled-median.ts';

const DRAWS = 40_000;

/** How often each value is the median of `DRAWS` resamples. */
function sharesOf(draw: () => number): Map<number, number> {
  const shares = new Map<number, number>();
  for (let i = 0; i < DRAWS; i++) {
    const value = draw();
    shares.set(value, (shares.get(value) ?? 0) + 1 / DRAWS);
  }
  return shares;
}

for (const count of [3, 4, 11, 12])
  test(`resampled medians: of ${count} values they are the same, drawn one by one or at once`, () => {
    const values = Array.from({ length: count }, (_, i) => i * i);
    const [few, many] = [medianDrawer(values, randomFrom(1)), drawerOfMany(values, randomFrom(2))].map(sharesOf);
    for (const value of new Set([...few!.keys(), ...many!.keys()])) {
      const [a, b] = [few!.get(value) ?? 0, many!.get(value) ?? 0];
      // Four standard deviations of the difference of two shares.
      assert.ok(Math.abs(a - b) <= 4 * Math.sqrt((a + b) / DRAWS), `${value}: ${a}, ${b}`);
    }
  });

for (const count of [MANY, 1_000_001])
  test(`resampled medians: of ${count} values they scatter around the middle as they must`, () => {
    const draw = medianDrawer(
      Array.from({ length: count }, (_, i) => i / count),
      randomFrom(3),
    );
    const squares = Array.from({ length: 2000 }, () => (draw() - 0.5) ** 2);
    const scatter = Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length);
    // Of a uniform distribution: 1 / (2 √n).
    assert.ok(Math.abs(scatter * 2 * Math.sqrt(count) - 1) < 0.08, `${scatter}`);
  });
