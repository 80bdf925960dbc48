import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changePoints } from './change-points.ts';
import { correlatedFrom, samplesFrom } from './test-noise.ts';

// Flow of the Nile at Aswan, 1871 to 1970, in 10⁸ m³: Cobb, The Problem of the Nile: Conditional Solution to a
// Changepoint Problem (Biometrika 65, 1978). It fell after 1898, the 28th year.
const NILE = [
  1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958, 1140, 1100,
  1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969, 831, 726, 456,
  824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759, 781, 865, 845, 944, 984, 897,
  822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890, 744, 749, 838, 1050, 918, 986, 797, 923, 975,
  815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740,
];

test('change points: the Nile fell after its 28th year', () => {
  const changes = changePoints(NILE);
  assert.deepEqual(
    changes.map(({ index, before, after }) => [index, before, after]),
    [[28, 1130, 842.5]],
  );
  assert.ok(changes[0]!.p <= 0.01);
});

type Level = [count: number, level: number];
const seriesOf = (seed: number, ...levels: Level[]) => {
  const samples = samplesFrom(seed);
  return levels.flatMap(([count, level]) => samples(count, level, 0.03));
};

const known: [what: string, levels: Level[]][] = [
  [
    'a fall by 10 %',
    [
      [25, 100],
      [25, 90],
    ],
  ],
  [
    'a rise by 20 %',
    [
      [15, 100],
      [15, 120],
    ],
  ],
  [
    'a fall that was undone',
    [
      [20, 100],
      [10, 85],
      [20, 100],
    ],
  ],
  [
    'three levels',
    [
      [20, 100],
      [20, 115],
      [20, 135],
    ],
  ],
  [
    'a fall in the last four runs',
    [
      [40, 100],
      [4, 70],
    ],
  ],
  [
    'a fall in a long series',
    [
      [120, 100],
      [80, 92],
    ],
  ],
];
for (const [what, levels] of known)
  for (const seed of [1, 2, 3])
    test(`change points: ${what}, seed ${seed}`, () => {
      const expected = levels
        .slice(0, -1)
        .map((_, i) => levels.slice(0, i + 1).reduce((sum, [count]) => sum + count, 0));
      const changes = changePoints(seriesOf(seed, ...levels));
      assert.equal(changes.length, expected.length, JSON.stringify(changes));
      for (const [i, { index, p, before, after }] of changes.entries()) {
        assert.ok(Math.abs(index - expected[i]!) <= 2, `${index}, not ${expected[i]}`);
        assert.ok(p > 0 && p <= 0.01);
        assert.equal(after > before, levels[i + 1]![1] > levels[i]![1]);
      }
    });

/** A series without a change: noise of 3 % with a correlation from run to run, on a straight line that rises. */
const unchanged: [count: number, correlation: number, risePercent: number][] = [
  [30, 0, 0],
  [100, 0, 0],
  [100, -0.4, 0],
  [30, 0.5, 0],
  [100, 0.5, 0],
  [30, 0.8, 0],
  [100, 0.8, 0],
  [30, 0, 6],
  [100, 0, 6],
  [100, 0, 20],
  [100, 0.5, 6],
];
for (const [count, correlation, risePercent] of unchanged)
  test(`change points: ${count} runs, correlation ${correlation}, rising by ${risePercent} %, have none`, () => {
    const TRIES = 100;
    const noise = correlatedFrom(11, correlation);
    let silent = 0;
    for (let seed = 0; seed < TRIES; seed++) {
      const series = noise(count).map((deviate, i) => (100 + (risePercent * i) / count) * (1 + 0.03 * deviate));
      if (changePoints(series, { seed, permutations: 199 }).length === 0) silent++;
    }
    // 400 tries of each gave 96 to 100 %. Against random orders alone it is 1 to 98 % where runs correlate or drift.
    assert.ok(silent >= 0.93 * TRIES, `${silent} of ${TRIES}`);
  });

/** How much is still found: what holds the rate must not hold everything. */
const found: [what: string, levels: Level[], correlation: number, percent: number][] = [
  [
    'a fall by 5 % in 100 runs',
    [
      [50, 100],
      [50, 95],
    ],
    0,
    50,
  ],
  [
    'a fall by 10 % in 100 runs that correlate by 0.5',
    [
      [50, 100],
      [50, 90],
    ],
    0.5,
    65,
  ],
  [
    'a fall by 10 % in 40 runs',
    [
      [20, 100],
      [20, 90],
    ],
    0,
    70,
  ],
  [
    'a fall by 30 % in the last three of 43 runs',
    [
      [40, 100],
      [3, 70],
    ],
    0,
    60,
  ],
];
for (const [what, levels, correlation, percent] of found)
  test(`change points: ${what} is found in ${percent} % of series`, () => {
    const TRIES = 60;
    const noise = correlatedFrom(12, correlation);
    const means = levels.flatMap(([count, level]) => new Array<number>(count).fill(level));
    let hits = 0;
    for (let seed = 0; seed < TRIES; seed++) {
      const deviates = noise(means.length);
      const changes = changePoints(
        means.map((level, i) => level * (1 + 0.03 * deviates[i]!)),
        { seed, permutations: 199 },
      );
      if (changes.length === 1 && Math.abs(changes[0]!.index - levels[0]![0]) <= 3) hits++;
    }
    assert.ok(hits >= (percent / 100) * TRIES, `${hits} of ${TRIES}`);
  });

test('change points: a single bad run is none, wherever it is and however bad', () => {
  for (const factor of [0.1, 0.7, 1.5, 100])
    for (let place = 0; place < 30; place++) {
      const series = seriesOf(4, [30, 100]);
      series[place]! *= factor;
      assert.deepEqual(changePoints(series, { permutations: 199 }), [], `run ${place} × ${factor}`);
    }
});

test('change points: a single bad run does not hide a change', () => {
  for (const place of [3, 10, 30]) {
    const series = seriesOf(5, [20, 100], [20, 90]);
    series[place]! *= 10;
    const changes = changePoints(series);
    assert.ok(changes.length === 1 && Math.abs(changes[0]!.index - 20) <= 1, JSON.stringify(changes));
  }
});

const short: [what: string, series: number[], expected: number[]][] = [
  ['nothing', [], []],
  ['one run', [5], []],
  ['five runs', [1, 1, 9, 9, 9], []],
  ['six runs, of which 1 of 10 orders is cut as well', [1, 1, 1, 9, 9, 9], []],
  ['twelve runs', [1, 1, 1, 1, 1, 1, 9, 9, 9, 9, 9, 9], [6]],
  ['all alike', new Array<number>(30).fill(4), []],
  ['all alike but one', new Array<number>(30).fill(4).with(28, 900), []],
  ['all alike, then others alike', [...new Array<number>(20).fill(4), ...new Array<number>(8).fill(5)], [20]],
];
for (const [what, series, expected] of short)
  test(`change points: ${what}`, () =>
    assert.deepEqual(
      changePoints(series).map(({ index }) => index),
      expected,
    ));

test('change points: no segment is shorter than asked for', () => {
  const series = seriesOf(6, [20, 100], [8, 60], [20, 100]);
  for (const minSegment of [2, 5, 12]) {
    const indexes = changePoints(series, { minSegment }).map(({ index }) => index);
    assert.ok(indexes.length > 0);
    for (const [i, index] of [...indexes, series.length].entries())
      assert.ok(index - (indexes[i - 1] ?? 0) >= minSegment, `${indexes}`);
  }
});

test('change points: a seed finds the same again', () => {
  const series = seriesOf(7, [20, 100], [20, 97]);
  const options = { seed: 5, significance: 0.5 };
  assert.deepEqual(changePoints(series, options), changePoints(series, options));
});

const refused: [options: Parameters<typeof changePoints>[1], series: number[], message: RegExp][] = [
  [{ minSegment: 1 }, [], /not 1/],
  [{ permutations: 0 }, [], /not 0/],
  [{}, [1, Number.NaN], /value 1 of the series is NaN/],
  [{}, [Infinity, 1], /value 0 of the series is Infinity/],
];
for (const [options, series, message] of refused)
  test(`change points: ${JSON.stringify(options)} of [${series}] is refused`, () =>
    assert.throws(() => changePoints(series, options), message));
