/** Which figures the page shows, and what it says against them, in a real browser. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { main } from '../cli.ts';
import { encodedHistogram } from '../latency/histogram.ts';
import type { RunRecord } from '../records/record.ts';
import { samplesFrom } from '../statistics/test-noise.ts';
import { Columns } from './columns.ts';
import { pageHtml } from './html.ts';
import { VIEWS } from './page/state.ts';
import { launch, open, withoutBrowser } from './test-browser.ts';
import { testRecords, type Wanted, writeRecords } from './test-records.ts';
import { variedRecords } from './test-varied-records.ts';

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
const skip = { skip: withoutBrowser };
let browser: Browser;
before(async () => {
  if (!withoutBrowser) browser = await launch();
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

/** The page of records, as the command makes it. */
async function pageOf(name: string, records: readonly RunRecord[]): Promise<string> {
  const file = writeRecords(join(folder, `${name}.ndjson`), records);
  const out = join(folder, `${name}.html`);
  assert.equal(await main(['dashboard', file, '--out', out], { out: () => {}, err: assert.fail }), 0);
  return out;
}

const ONE_CELL: Wanted = { repetitions: 1, orderings: ['seqcst'], doorbells: ['spin'], cpus: ['same'], samples: 0 };

/** Records of one cell, one a commit. */
const oneCell = (commits: number, change: (record: RunRecord, place: number) => RunRecord): RunRecord[] =>
  testRecords({ ...ONE_CELL, commits, change });

/** The same of several sizes. */
const ofSizes = (sizes: readonly number[], commits: number, change: (record: RunRecord, commit: number) => RunRecord) =>
  testRecords({
    ...ONE_CELL,
    commits,
    batches: sizes,
    change: (record, place) => {
      const { config } = record;
      const sized: RunRecord = { ...record, config: { ...config, workload: 'bulk', size: config.batch, batch: 1 } };
      return change(sized, Math.floor(place / sizes.length));
    },
  });

/** With this speed in every repetition. */
const ofSpeed = (record: RunRecord, transfersPerSecond: number): RunRecord => ({
  ...record,
  repetitions: record.repetitions.map((one) => ({ ...one, transfersPerSecond })),
});

const mainText = (page: Page) => page.locator('main').innerText();

/** Pixels of the charts that have exactly the colour of the first series. */
const seriesPixels = (page: Page): Promise<number> =>
  page.evaluate(`(() => {
    const ink = getComputedStyle(document.querySelector('.swatch.series-0')).stroke.match(/\\d+/g).map(Number);
    let painted = 0;
    for (const canvas of document.querySelectorAll('canvas')) {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      for (let i = 0; i < data.length; i += 4)
        if (data[i] === ink[0] && data[i + 1] === ink[1] && data[i + 2] === ink[2] && data[i + 3] === 255) painted++;
    }
    return painted;
  })()`);

test(
  'page: a filter by each value of each field keeps as many records as have it, and no id is there twice',
  skip,
  async () => {
    const records = variedRecords(60, 7);
    const file = await pageOf('varied', records);
    const { page, complaints } = await open(browser, file, '#view=heat');
    const columns = new Columns();
    for (const record of records) columns.add(record);
    const { fields } = columns.pageData('', '', 0);
    assert.ok(fields.filter(({ values }) => values.length > 1).length > 30);
    const wanted = fields.flatMap(({ name, values, column }) =>
      values.map((value, place) => ({
        name,
        hash: `#view=heat&${new URLSearchParams([[`f.${name}`, value]])}`,
        count: column === null ? records.length : column.filter((of) => of === place).length,
      })),
    );
    const kept = await page.evaluate(`(async () => {
    const kept = [];
    for (const hash of ${JSON.stringify(wanted.map(({ hash }) => hash))}) {
      const shown = new Promise((resolve) => addEventListener('hashchange', resolve, { once: true }));
      location.hash = hash;
      await shown;
      kept.push(document.getElementById('kept').textContent);
    }
    return kept;
  })()`);
    assert.deepEqual(
      kept,
      wanted.map(({ count }) => `${count} of ${records.length} records`),
    );
    // Each field's own summary says it; each value's box is checked.
    for (const field of ['cpus', 'machine-cpus']) {
      const value = fields.find(({ name }) => name === field)!.values[0]!;
      await page.evaluate(
        `location.hash = ${JSON.stringify(`#view=heat&${new URLSearchParams([[`f.${field}`, value]])}`)}`,
      );
      await page.locator(`#filter-${field} .on`, { hasText: value }).waitFor();
      assert.equal(await page.locator('.field summary .on').count(), 1);
    }
    await page.evaluate('for (const fold of document.querySelectorAll("details")) fold.open = true');
    await page.locator('#value-machine-cpus-0').waitFor();
    await page.locator('#value-cpus-0').waitFor();
    assert.deepEqual(
      await page.evaluate(`(() => {
      const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
      return ids.filter((id, i) => ids.indexOf(id) !== i);
    })()`),
      [],
    );
    assert.deepEqual(complaints, []);
    await page.close();
  },
);

for (const view of VIEWS)
  test(`page: ${view}: the figures of a check that failed are left out, and counted`, skip, async () => {
    const records = ofSizes([4, 64, 1024], 3, (record, commit) =>
      commit === 2
        ? ofSpeed({ ...record, outcome: 'check-failed', failure: 'wrong bytes' }, 777e6)
        : ofSpeed(record, 5e6 + commit),
    );
    const latency = records.map((record, i) => (i === 0 ? withSamples(record, [2000, 3000]) : record));
    const file = await pageOf(`failed-${view}`, latency);
    const { page, complaints } = await open(browser, file, `#view=${view}&of=all`);
    assert.match(await page.locator('#left-out').innerText(), /^3 records are left out: their check failed/);
    await page.evaluate('for (const fold of document.querySelectorAll("details")) fold.open = true');
    await page.locator('main table').first().waitFor();
    assert.doesNotMatch(await mainText(page), /777/);
    await page.evaluate('location.hash = "#f.outcome=check-failed"');
    await page.locator('#kept', { hasText: '3 of 9 records' }).waitFor();
    assert.equal(await page.locator('canvas, main table').count(), 0);
    assert.deepEqual(complaints, []);
    await page.close();
  });

/** With these round trips, nanoseconds, in its one repetition. */
function withSamples(record: RunRecord, samplesNs: readonly number[]): RunRecord {
  const [one] = record.repetitions;
  const roundTrip = encodedHistogram(Float64Array.from(samplesNs));
  const latency = { every: 1, clock: 'libc' as const, clockNs: 25, kickToWake: null, callToWake: null, roundTrip };
  return { ...record, repetitions: [{ ...one!, pairs: one!.pairs.map((pair) => ({ ...pair, latency })) }] };
}

test('page: A against B: repetitions and patience are no other configuration', skip, async () => {
  const records = oneCell(2, (record, place) => {
    const [repeat, timeout] = place === 0 ? [5, 10] : [10, 20];
    const [one] = record.repetitions;
    return { ...record, config: { ...record.config, repeat, timeout }, repetitions: new Array(repeat).fill(one) };
  });
  const { page } = await open(browser, await pageOf('effort', records), '#view=compare');
  assert.match(await page.locator('#compare-sum').innerText(), /over 1 cell/);
  await page.close();
});

test('page: a fall by 20 % at point 251 of 400 is marked there, and nowhere else', skip, async () => {
  const samples = samplesFrom(1);
  const speeds = [...samples(250, 5e6, 0.03), ...samples(150, 4e6, 0.03)];
  const records = oneCell(400, (record, place) => ofSpeed(record, speeds[place]!));
  const { page, complaints } = await open(browser, await pageOf('fall', records), '#view=history&show=speed');
  await page.locator('#changes-speed', { hasText: '1 change of level found.' }).waitFor();
  const [commit] = records[250]!.environment.commit!.match(/^.{10}/)!;
  assert.match(await page.locator('.changes li').innerText(), new RegExp(`\\(0\\.(79|80)\\d times\\) from ${commit},`));
  assert.match((await page.locator('#chart-speed').getAttribute('aria-label'))!, /400 commits, 1 change found\./);
  // What was found is there at once when the chart is drawn anew.
  await page.locator('#option-zero').check();
  assert.equal(await page.locator('#changes-speed').innerText(), '1 change of level found.');
  assert.deepEqual(complaints, []);
  await page.close();
});

test('page: a search is ended by the next view, and begun again by the one after', skip, async () => {
  const samples = samplesFrom(2);
  const speeds = Array.from({ length: 8 }, (_, i) => samples(75, i % 2 === 0 ? 5e6 : 4e6, 0.03)).flat();
  const records = oneCell(600, (record, place) => ofSpeed(record, speeds[place]!));
  const { page, complaints } = await open(browser, await pageOf('search', records), '#view=history&show=speed');
  await page.locator('#view-heat').click();
  await page.locator('#view-history').click();
  await page.locator('#changes-speed', { hasText: '7 changes of level found.' }).waitFor();
  assert.equal(await page.locator('.changes li').count(), 7);
  assert.deepEqual(complaints, []);
  await page.close();
});

test('page: 150,000 repetitions are shown in every view', skip, async () => {
  const REPETITIONS = 150_000;
  const columns = new Columns();
  for (const record of ofSizes([4, 64], 2, (one) => one))
    columns.add({ ...record, repetitions: new Array(REPETITIONS).fill(record.repetitions[0]) });
  const file = join(folder, 'many.html');
  writeFileSync(file, pageHtml(columns.pageData('many', '2026-01-01T00:00:00.000Z', 0)));
  for (const view of VIEWS.filter((name) => name !== 'latency')) {
    const { page, complaints } = await open(browser, file, `#view=${view}&of=all`);
    await page.evaluate('for (const fold of document.querySelectorAll("details.fold")) fold.open = true');
    await page.locator('main table').first().waitFor();
    if (view === 'history' || view === 'cost') assert.ok((await seriesPixels(page)) > 0, view);
    if (view !== 'compare') assert.match(await mainText(page), /[13][05]0,?000/, view);
    assert.deepEqual(complaints, []);
    await page.close();
  }
});

test('page: one latency sample is a point', skip, async () => {
  const records = oneCell(1, (record) => withSamples(record, [2000]));
  const { page } = await open(browser, await pageOf('sample', records), '#view=latency');
  assert.ok((await seriesPixels(page)) > 10);
  assert.match(await page.locator('#chart-latency-read-out').innerText(), /2\.00 µs/);
  await page.close();
});

test('page: one value among many points is a point', skip, async () => {
  const records = oneCell(130, (record, place) =>
    place === 60 ? record : { ...record, config: { ...record.config, batch: 2 } },
  );
  const { page } = await open(browser, await pageOf('point', records), '#view=history&show=speed');
  const one = page.locator('.legend label', { hasText: '1 point' });
  const [id] = (await one.locator('input').getAttribute('id'))!.match(/\d+/)!;
  await page.evaluate(`location.hash = '#view=history&show=speed&series=${id}'`);
  await page.locator('.legend', { hasText: '1 of 2 drawn' }).waitFor();
  assert.ok((await seriesPixels(page)) > 10);
  await page.close();
});

test('page: days without a commit are called by their day', skip, async () => {
  const records = oneCell(5, (record) => ({
    ...record,
    environment: { ...record.environment, commit: null, dirty: null },
  }));
  const { page } = await open(browser, await pageOf('days', records), '#view=history&show=speed');
  assert.equal(await page.locator('#chart-speed-read-out strong').innerText(), '2026-01-09 08:00 UTC');
  assert.match((await page.locator('#chart-speed').getAttribute('aria-label'))!, /over 5 points/);
  assert.doesNotMatch(await page.locator('figure').innerText(), /none/);
  await page.close();
});

test('page: a metric that was not measured is no empty chart', skip, async () => {
  const records = oneCell(3, (record, place) =>
    place === 0 ? withSamples(record, [2000, 3000]) : { ...record, config: { ...record.config, batch: 2 } },
  );
  const { page } = await open(browser, await pageOf('unmeasured', records), '#view=history&show=p50&f.batch=2');
  assert.equal(await page.locator('canvas').count(), 0);
  assert.match(await mainText(page), /No record of these configurations has measured this: Round trip, median\./);
  await page.close();
});

test('page: records with warnings are counted, listed and named, and can be left out', skip, async () => {
  const warning = 'the window was not steady <b>';
  const records = oneCell(4, (record, place) => {
    const measured = withSamples(record, [2000, 3000]);
    const [one] = measured.repetitions;
    if (place === 1) return { ...measured, warnings: [warning] };
    return place === 2 ? { ...measured, repetitions: [{ ...one!, stoodStillNs: 2e9 }] } : measured;
  });
  const { page, complaints } = await open(browser, await pageOf('warned', records), '#view=history&show=speed');
  assert.match(await page.locator('#doubts').innerText(), /^2 of 4 records had warnings/);
  await page.locator('#table-doubts').click();
  await page.locator('.warnings li').first().waitFor();
  assert.deepEqual(await page.locator('.warnings li').allInnerTexts(), ['the run stood still for 2.0 s', warning]);
  await page.focus('#chart-speed');
  await page.keyboard.press('Home');
  assert.doesNotMatch(await page.locator('#chart-speed-read-out').innerText(), /warnings/);
  await page.keyboard.press('ArrowRight');
  assert.match(await page.locator('#chart-speed-read-out').innerText(), /1 record with warnings$/);
  await page.locator('#view-latency').click();
  await page.locator('.legend', { hasText: 'Records' }).waitFor();
  assert.equal(await page.locator('.legend label', { hasText: 'with warnings' }).count(), 2);
  await page.evaluate('location.hash = "#view=history&f.warnings=none"');
  await page.locator('#kept', { hasText: '2 of 4 records' }).waitFor();
  assert.equal(await page.locator('#doubts, #table-doubts').count(), 0);
  assert.deepEqual(complaints, []);
  await page.close();
});
