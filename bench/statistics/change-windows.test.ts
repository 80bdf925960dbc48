/** Change points in histories that are longer than one window: found once, where they are, as rarely by chance as in one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changePointSearch, changePoints, WINDOW } from './change-points.ts';
import { correlatedFrom, samplesFrom } from './test-noise.ts';

const PERMUTATIONS = 199;

const levelsFrom = (seed: number, ...levels: [count: number, level: number][]) => {
  const samples = samplesFrom(seed);
  return levels.flatMap(([count, level]) => samples(count, level, 0.03));
};

for (const seed of [1, 2, 3])
  test(`long history: a fall by 20 % at run 251 of 400 is one change, seed ${seed}`, () => {
    const changes = changePoints(levelsFrom(seed, [250, 100], [150, 80]), { seed, permutations: PERMUTATIONS });
    assert.equal(changes.length, 1, JSON.stringify(changes));
    const [{ index, p, before, after }] = changes as [(typeof changes)[0]];
    assert.ok(Math.abs(index - 250) <= 1, `${index}`);
    assert.ok(p <= 0.01);
    assert.ok(Math.abs(after / before - 0.8) < 0.02);
  });

test('long history: a fall is found once wherever it is, at the ends of windows, too', () => {
  for (let place = 8; place <= 392; place += 6) {
    const series = levelsFrom(place, [place, 100], [400 - place, 80]);
    const found = changePoints(series, { permutations: PERMUTATIONS }).map(({ index }) => index);
    assert.ok(found.length === 1 && Math.abs(found[0]! - place) <= 1, `${found}, not ${place}`);
  }
});

test('long history: every one of many changes is found once', () => {
  const counts = [40, 160, 20, 90, 200, 35, 55];
  const series = levelsFrom(1, ...counts.map((count, i): [number, number] => [count, i % 2 === 0 ? 100 : 120]));
  const expected = counts.slice(0, -1).map((_, i) => counts.slice(0, i + 1).reduce((sum, count) => sum + count, 0));
  const found = changePoints(series, { permutations: PERMUTATIONS }).map(({ index }) => index);
  assert.equal(found.length, expected.length, `${found}`);
  for (const [i, index] of found.entries()) assert.ok(Math.abs(index - expected[i]!) <= 1, `${found}, not ${expected}`);
});

/** Series of 3 % noise with this correlation from run to run, on a straight line that rises. */
const unchanged: [count: number, correlation: number, risePercent: number, tries: number, falseMax: number][] = [
  [400, 0, 0, 100, 3],
  [400, 0.5, 0, 60, 4],
  [400, 0, 20, 60, 3],
  [1500, 0, 0, 30, 2],
];
for (const [count, correlation, risePercent, tries, falseMax] of unchanged)
  test(`long history: ${count} runs, correlation ${correlation}, rising by ${risePercent} %, hardly ever have one`, () => {
    const noise = correlatedFrom(21, correlation);
    let withOne = 0;
    for (let seed = 0; seed < tries; seed++) {
      const series = noise(count).map((deviate, i) => (100 + (risePercent * i) / count) * (1 + 0.03 * deviate));
      if (changePoints(series, { seed, permutations: PERMUTATIONS }).length > 0) withOne++;
    }
    assert.ok(withOne <= falseMax, `${withOne} of ${tries}`);
  });

/** How many times a window is cut in the search; each time takes the same for a window of the same length. */
function stepsOf(series: readonly number[]): number {
  const search = changePointSearch(series, { permutations: PERMUTATIONS });
  let steps = 0;
  while (!search.next().done) steps++;
  return steps;
}

test('long history: the work grows with the windows, and with each change by the orders and series it takes', () => {
  const windows = (count: number) => Math.ceil(count / (WINDOW / 2));
  for (const count of [1500, 6000]) {
    // Noise is told from a change by a few orders; a window may need all of them.
    const quiet = stepsOf(levelsFrom(5, [count, 100]));
    assert.ok(quiet <= windows(count) * PERMUTATIONS, `${quiet} of ${count}`);
    const changed = stepsOf(levelsFrom(5, [count / 2, 100], [count / 2, 80]));
    const change = (PERMUTATIONS + 1) * (1 + 2 * windows(count));
    assert.ok(changed - quiet <= 2 * change, `${changed - quiet} of ${count}, more than ${2 * change}`);
  }
});
