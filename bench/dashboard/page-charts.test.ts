/** What stands in the page's charts, as a real browser draws it: ticks, grids, marks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { encodedHistogram } from '../latency/histogram.ts';
import type { RunRecord } from '../records/record.ts';
import { type DrawnLabels, drawnLabels, inPage, until, withoutBrowser } from './test-browser.ts';
import { openerOf } from './test-pages.ts';
import type { Wanted } from './test-records.ts';

const skip = { skip: withoutBrowser };
const ONE_CELL: Wanted = { commits: 1, repetitions: 3, orderings: ['seqcst'], doorbells: ['futex'], cpus: ['same'] };

/** From a microsecond to five seconds. */
const LONG_NS = Float64Array.from({ length: 4000 }, (_, i) => 1000 * 5e6 ** (i / 3999));
const long = encodedHistogram(LONG_NS);
function withLongRoundTrips(record: RunRecord): RunRecord {
  const [repetition] = record.repetitions;
  const [pair] = repetition!.pairs;
  const latency = { ...pair!.latency!, roundTrip: long };
  return { ...record, repetitions: [{ ...repetition!, pairs: [{ ...pair!, latency }] }] };
}

const MANY = 10_000_000;
/** A kick or two in ten million transfers. */
function withFewKicks(record: RunRecord, place: number): RunRecord {
  const [repetition] = record.repetitions;
  const [pair] = repetition!.pairs;
  const sides = {
    guest: { ...pair!.guest, notified: 1 + (place % 2) },
    host: { ...pair!.host, notified: 0 },
  };
  return {
    ...record,
    config: { ...record.config, transfers: MANY },
    repetitions: [{ ...repetition!, pairs: [{ ...pair!, ...sides, verifiedTransfers: MANY }] }],
  };
}

/** Rates in place of batches. */
function withRate(record: RunRecord): RunRecord {
  const { config, repetitions } = record;
  const transfersPerSecond = config.batch;
  return {
    ...record,
    config: { ...config, batch: 1, rate: config.batch },
    repetitions: [{ ...repetitions[0]!, transfersPerSecond }],
  };
}

const PAGES = {
  all: { commits: 12, repetitions: 4, samples: 2000 },
  long: { ...ONE_CELL, commits: 3, change: withLongRoundTrips },
  few: { ...ONE_CELL, commits: 6, samples: 0, change: withFewKicks },
  rates: { ...ONE_CELL, batches: [10, 20, 100], samples: 0, change: withRate },
} satisfies Record<string, Wanted>;
const openPage = openerOf(PAGES);

const textsOf = (labels: DrawnLabels['x']) => labels.map(({ text }) => text);

const charts: [what: string, file: keyof typeof PAGES, hash: string, x: readonly string[], y: readonly string[]][] = [
  ['round trips of seconds', 'long', '#view=latency', ['50 %', '90 %'], ['1 µs', '10 ms', '1 s']],
  ['the history of round trips of seconds', 'long', '#view=history&show=p99', ['01234567'], ['4 s', '4.2 s']],
  ['kicks of 1e-7 a transfer', 'few', '#view=history&show=kicks', ['01234567'], ['1e-7', '2e-7']],
  ['rates 10, 20, 100', 'rates', '#view=cost&along=rate', ['10', '20', '100'], ['20 ms', '100 ms']],
  [
    'rates 10, 20, 100 as throughput',
    'rates',
    '#view=cost&along=rate&cost=speed',
    ['10', '20', '100'],
    ['2e-5', '1e-4'],
  ],
  ['throughput', 'all', '#view=history&show=speed', ['01234567'], ['2', '4', '6']],
  ['throughput in time', 'all', '#view=history&show=speed&x=time', [], ['2', '4', '6']],
  ['round trips', 'all', '#view=latency', ['50 %', '90 %'], ['1 µs', '100 µs']],
];
for (const width of [1280, 375])
  for (const [what, file, hash, x, y] of charts)
    test(`page: ticks of ${what}, ${width} px wide, say what they are, whole and apart`, skip, async () => {
      const { page, complaints } = await openPage(file, hash, { width });
      const [labels] = await drawnLabels(page);
      for (const [named, wanted] of [
        [textsOf(labels!.x), x],
        [textsOf(labels!.y), y],
      ] as const) {
        assert.equal(new Set(named).size, named.length, `told apart: ${named.join(', ')}`);
        assert.ok(named.length >= 2, named.join(', '));
        for (const text of wanted) assert.ok(named.includes(text), `${text} is one of ${named.join(', ')}`);
      }
      for (const { text, left, right } of [...labels!.x, ...labels!.y])
        assert.ok(left >= 0 && right <= labels!.width, `${text}: ${left} to ${right} of ${labels!.width}`);
      const inOrder = labels!.x.toSorted((one, other) => one.left - other.left);
      for (const [i, { text, left }] of inOrder.slice(1).entries())
        assert.ok(left > inOrder[i]!.right, `${text} stands beside ${inOrder[i]!.text}`);
      assert.deepEqual(complaints, []);
      await page.close();
    });

/** Of a canvas: how many rows are painted in the colour of the grid over more than half of the width. */
const GRID_LINES = `(() => {
  const canvas = document.querySelector('canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const probe = document.body.appendChild(document.createElement('span'));
  probe.style.color = 'var(--grid)';
  const [red, green, blue] = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
  probe.remove();
  let lines = 0;
  for (let y = 0; y < canvas.height; y++) {
    let painted = 0;
    for (let at = y * canvas.width * 4; at < (y + 1) * canvas.width * 4; at += 4)
      if (data[at] === red && data[at + 1] === green && data[at + 2] === blue && data[at + 3] === 255) painted++;
    if (painted > canvas.width / 2) lines++;
  }
  return lines;
})()`;

for (const file of ['long', 'all'] as const)
  test(`page: a logarithmic grid has a line for each label and no other (${file})`, skip, async () => {
    const { page } = await openPage(file, '#view=latency');
    const [labels] = await drawnLabels(page);
    const lines = (await inPage(page, GRID_LINES)) as number;
    assert.ok(lines >= 2 && lines <= labels!.y.length, `${lines} lines, labels ${textsOf(labels!.y).join(', ')}`);
    await page.close();
  });

/** In the column of pixels where it is most: the colour of a change that has the fewest pixels, and how many. */
const MARKS = `(() => {
  const canvas = document.querySelector('#chart-speed canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const colours = [...document.querySelectorAll('.changes .swatch')].map((swatch) =>
    getComputedStyle(swatch).stroke.match(/\\d+/g).map(Number));
  let most = 0;
  for (let x = 0; x < canvas.width; x++) {
    const counts = colours.map(([red, green, blue]) => {
      let painted = 0;
      for (let at = x * 4; at < data.length; at += canvas.width * 4)
        if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) painted++;
      return painted;
    });
    most = Math.max(most, Math.min(...counts));
  }
  return { colours: colours.length, most };
})()`;

const marked = (page: Page) => inPage(page, MARKS) as Promise<{ colours: number; most: number }>;

test('page: changes of several lines at one place are told apart', skip, async () => {
  const { page } = await openPage('all', '#view=history&show=speed');
  await until(page, 'document.querySelectorAll(".changes li").length >= 4');
  // All are of the same commit.
  for (const change of await page.locator('.changes li').allInnerTexts()) assert.match(change, / from 0a3d709f0a/);
  const { colours, most } = await marked(page);
  // A share of the height, less gaps; a line that crosses the place has less than a third of this.
  assert.ok(most >= 12, `${most} pixels of the fewest of ${colours} colours`);
  await page.close();
});
