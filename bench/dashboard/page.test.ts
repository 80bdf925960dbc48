/** The page in a real browser, opened from a file. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { main } from '../cli.ts';
import { choose, inPage, launch, open, paintedPixels, until, withoutBrowser } from './test-browser.ts';
import { linesOf, testRecords, writeRecords } from './test-records.ts';

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
const PAGE = join(folder, 'page.html');
const EMPTY = join(folder, 'empty.html');
const HOSTILE = join(folder, 'hostile.html');
const skip = { skip: withoutBrowser };
const SIZES = join(folder, 'sizes.html');
const VIEWS = ['history', 'heat', 'latency', 'cost', 'compare'];
const CHARTS = ['history', 'latency', 'cost'];
/** Only sweeps have what the cost view draws. */
const fileOf = (view: string) => (view === 'cost' ? SIZES : PAGE);

let browser: Browser;
const silent = { out: () => {}, err: () => {} };

const MARKUP = '</script><img src=x onerror=alert(1)><script>alert(2)</script><b>bold</b>';
const hostileLines = () => {
  const records = testRecords({
    commits: 3,
    repetitions: 3,
    samples: 200,
    change: (record, place) => {
      const text = `${MARKUP} ${place % 2}`;
      const { environment, sweep } = record;
      return {
        ...record,
        label: text,
        environment: { ...environment, commit: text, machine: text, node: text },
        sweep: { ...sweep!, id: text },
      };
    },
  });
  return `${linesOf(records)}NaN\n{"half": "a li`;
};

/** A sweep of four sizes by two rings: as many nanoseconds as the ring has descriptors, and a quarter a byte. */
const sizedRecords = () =>
  testRecords({
    commits: 1,
    repetitions: 3,
    orderings: ['seqcst'],
    doorbells: ['futex'],
    cpus: ['same'],
    batches: [4, 64, 1024, 65_536].flatMap((size) => [size, size + 1]),
    samples: 0,
    change: (record) => {
      const { config } = record;
      const [size, ringSize] = [config.batch & ~1, config.batch % 2 === 0 ? 128 : 512];
      const [first] = record.repetitions;
      return {
        ...record,
        config: { ...config, workload: 'bulk', size, ringSize, outstanding: ringSize, batch: 1 },
        repetitions: [{ ...first!, transfersPerSecond: 1e9 / (ringSize + 0.25 * size) }],
      };
    },
  });

before(async () => {
  if (withoutBrowser) return;
  const records = writeRecords(
    join(folder, 'records.ndjson'),
    testRecords({ commits: 12, repetitions: 4, samples: 2000 }),
  );
  const nothing = writeRecords(join(folder, 'nothing.ndjson'), []);
  const hostile = join(folder, 'hostile.ndjson');
  writeFileSync(hostile, hostileLines());
  assert.equal(await main(['dashboard', records, '--out', PAGE], silent), 0);
  const sizes = writeRecords(join(folder, 'sizes.ndjson'), sizedRecords());
  assert.equal(await main(['dashboard', sizes, '--out', SIZES], silent), 0);
  assert.equal(await main(['dashboard', nothing, '--out', EMPTY], silent), 0);
  assert.equal(await main(['dashboard', hostile, '--out', HOSTILE, '--title', MARKUP], silent), 0);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

/** What the charts show, to see whether it changed; with the changes of level, which are searched for meanwhile. */
async function shown(page: Page): Promise<string> {
  await until(page, 'document.querySelector(".changes[aria-busy=true]") === null');
  return page.locator('main').innerText();
}
/** The page's own: what the browser tells of it comes later. */
const hashOf = async (page: Page) => String(await inPage(page, 'location.hash'));
/** Opens whatever can be opened; what is in it is built by then. */
async function openAll(page: Page): Promise<void> {
  await inPage(page, 'for (const fold of document.querySelectorAll("details")) fold.open = true');
  await until(page, '[...document.querySelectorAll(".fold")].every((fold) => fold.querySelector("table") !== null)');
  await until(page, '[...document.querySelectorAll(".field ul")].every((list) => list.childElementCount > 0)');
}

const NO_SIDEWAYS = 'document.documentElement.scrollWidth <= innerWidth';

for (const dark of [false, true])
  for (const width of [1280, 375])
    for (const view of VIEWS)
      test(
        `page: ${view}, ${dark ? 'dark' : 'light'}, ${width} px wide: draws, asks for nothing, fits`,
        skip,
        async () => {
          const { page, complaints } = await open(browser, fileOf(view), `#view=${view}`, { dark, width });
          for (const pixels of await paintedPixels(page)) assert.ok(pixels > 1000, `${pixels} pixels painted`);
          assert.equal((await page.locator('canvas').count()) > 0, CHARTS.includes(view));
          // Every chart has its table; open, it scrolls in its own box.
          await openAll(page);
          assert.ok((await page.locator('table tbody tr').count()) >= 3);
          assert.equal(await inPage(page, NO_SIDEWAYS), true);
          assert.deepEqual(complaints, []);
          await page.close();
        },
      );

test('page: no records say what to run', skip, async () => {
  const { page, complaints } = await open(browser, EMPTY);
  assert.match(await shown(page), /no records yet.*npm run bench -- --parallel/s);
  assert.deepEqual(complaints, []);
  await page.close();
});

test('page: a filter is in the address, changes the chart, and going back takes it back', skip, async () => {
  const { page, complaints } = await open(browser, PAGE, '#view=history');
  const before = await shown(page);
  await page.click('#filter-doorbell');
  await page.getByRole('checkbox', { name: 'spin', exact: true }).check();
  await until(page, 'document.querySelector("#kept").textContent.startsWith("192 of 576")');
  assert.equal(await hashOf(page), '#view=history&f.doorbell=spin');
  const filtered = await shown(page);
  assert.notEqual(filtered, before);
  assert.doesNotMatch(filtered, /futex/);
  await page.goBack();
  await until(page, 'document.querySelector("#kept").textContent.startsWith("576 of 576")');
  assert.equal(await shown(page), before);
  assert.equal(await page.getByRole('checkbox', { name: 'spin', exact: true }).isChecked(), false);
  await page.goForward();
  await until(page, 'document.querySelector("#kept").textContent.startsWith("192")');
  assert.equal(await shown(page), filtered);
  await page.reload();
  assert.equal(await shown(page), filtered);
  assert.deepEqual(complaints, []);
  await page.close();
});

test('page: filters that keep nothing say so, and one button shows all', skip, async () => {
  const { page } = await open(browser, PAGE, '#view=heat&f.doorbell=nonsense');
  assert.match(await shown(page), /filters keep no record/);
  await page.click('#clear-filters');
  await page.waitForSelector('#map');
  assert.equal(await hashOf(page), '#view=heat');
  await page.close();
});

test('page: a step in the history is marked where it is', skip, async () => {
  const { page } = await open(browser, PAGE, '#view=history&show=speed');
  await shown(page);
  const changes = await page.locator('.changes li').allInnerTexts();
  assert.ok(changes.length > 0);
  for (const change of changes) assert.match(change, /M\/s → .*\(0\.[78]\d* times\) from 0a3d709f0a/);
  assert.match((await page.locator('#chart-speed').getAttribute('aria-label'))!, /12 commits, \d+ changes found/);
  await page.close();
});

test('page: the heat map follows its axes', skip, async () => {
  const { page } = await open(browser, PAGE, '#view=heat');
  assert.equal(await page.locator('#map td').count(), 6);
  await choose(page, '#option-rows', 'cpus');
  await choose(page, '#option-columns', 'doorbell');
  assert.deepEqual(await page.locator('#map tbody th').allInnerTexts(), ['distant', 'same']);
  assert.deepEqual((await page.locator('#map thead th').allInnerTexts()).slice(1), ['adaptive', 'futex', 'spin']);
  assert.equal(await hashOf(page), '#view=heat&rows=cpus');
  await page.close();
});

test('page: A against B finds the step, between labels, too', skip, async () => {
  const { page } = await open(browser, PAGE, '#view=compare&a=0123456701&b=0da740d40d');
  assert.match(await page.locator('#compare-sum').innerText(), /over 12 cells: 0\.[78]\d* times/);
  assert.deepEqual([...new Set(await page.locator('.verdict').allInnerTexts())], ['▼ worse']);
  // Each commit was measured on a day of its own.
  assert.match(await page.locator('#compare-turns').innerText(), /^12 of 12 cells not measured by turns/);
  await choose(page, '#option-metric', 'cpu');
  assert.deepEqual([...new Set(await page.locator('.verdict').allInnerTexts())], ['▼ worse']);
  await choose(page, '#option-by', 'label');
  assert.match(await page.locator('#compare-sum').innerText(), /over 12 cells/);
  assert.equal(await page.locator('#compare-turns').count(), 1);
  assert.match(await page.locator('#compare-too').innerText(), /differ in this, too: commit\./);
  await page.close();
});

test('page: latency draws the records that are picked', skip, async () => {
  const { page } = await open(browser, PAGE, '#view=latency');
  const drawn = () => page.locator('.legend input:checked').count();
  assert.equal(await drawn(), 4);
  const other = await page.locator('.legend input:not(:checked)').first().getAttribute('id');
  await page.locator(`#${other}`).check();
  await until(page, 'document.querySelectorAll(".legend input:checked").length === 5');
  assert.match(await hashOf(page), /^#view=latency&records=[\d.]+$/);
  await page.locator('#table-latency').click();
  assert.match(await page.locator('table').innerText(), /50 %\s+90 %\s+99 %/);
  await page.close();
});

test('page: the cost of a transfer and of a byte are told apart, and any number is an axis', skip, async () => {
  const { page, complaints } = await open(browser, SIZES, '#view=cost');
  const table = page.locator('table').first();
  assert.deepEqual(
    (await table.locator('tbody tr').allInnerTexts()).map((row) => row.replaceAll(/\s+/g, ' ')),
    [128, 512].map((ring) => `ring-size=${ring} ${ring} ns a transfer + 0.25 ns a byte (4 GB/s) 0 %`),
  );
  await page.focus('#chart-cost');
  await page.keyboard.press('Home');
  assert.match(await page.locator('#chart-cost-read-out').innerText(), /^size 4\s*ring-size=128: 129 ns/);
  await choose(page, '#option-cost', 'bytes');
  assert.match(await page.locator('figcaption').innerText(), /Bytes a second, GB\/s, by size/);
  await choose(page, '#option-along', 'ring-size');
  assert.equal(await hashOf(page), '#view=cost&along=ring-size&cost=bytes');
  // Bytes are of sizes; as many in flight as the ring has is no configuration of its own.
  assert.match(await page.locator('figcaption').innerText(), /Time per transfer, by ring-size/);
  assert.equal(await page.locator('.legend input').count(), 4);
  assert.deepEqual(complaints, []);
  await page.close();
});

test('page: the theme is the system’s until it is chosen, and the choice is in the address', skip, async () => {
  const { page } = await open(browser, PAGE, '', { dark: true });
  const ground = () => inPage(page, 'getComputedStyle(document.body).backgroundColor');
  const dark = await ground();
  await choose(page, '#theme', 'light');
  assert.match(await hashOf(page), /theme=light/);
  const light = await ground();
  assert.notEqual(light, dark);
  await page.emulateMedia({ colorScheme: 'light' });
  await choose(page, '#theme', 'dark');
  assert.equal(await ground(), dark);
  await choose(page, '#theme', 'auto');
  assert.equal(await ground(), light);
  await page.close();
});

test('page: the keyboard reaches filters, views, charts and tables, and reads the chart', skip, async () => {
  const { page, complaints } = await open(browser, PAGE, '#view=history&show=speed');
  const reached = new Set<string>();
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab');
    const id = await inPage(page, 'document.activeElement.id');
    if (typeof id === 'string' && id !== '') {
      reached.add(id);
      const outline = await inPage(page, 'getComputedStyle(document.activeElement).outlineStyle');
      assert.notEqual(outline, 'none', `${id} shows its focus`);
    }
  }
  for (const id of ['theme', 'view-heat', 'filter-doorbell', 'option-show', 'chart-speed', 'table-speed'])
    assert.ok(reached.has(id), `${id} is reached`);

  await page.focus('#chart-speed');
  const readOut = page.locator('#chart-speed-read-out');
  assert.match(await readOut.innerText(), /^0da740d40d/);
  await page.keyboard.press('Home');
  assert.match(await readOut.innerText(), /^0123456701, 2026-01-05/);
  await page.keyboard.press('ArrowRight');
  assert.match(await readOut.innerText(), /^02468ace02.*M\/s/s);

  // A choice by keyboard keeps its place, although the view is drawn anew.
  await page.focus('#option-zero');
  await page.keyboard.press('Space');
  await until(page, 'location.hash.includes("zero=on")');
  assert.equal(await inPage(page, 'document.activeElement.id'), 'option-zero');

  await page.focus('#view-heat');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#map');
  await page.focus('#map td');
  await page.keyboard.press('ArrowRight');
  assert.match(await page.locator('#heat-read-out').innerText(), /M\/s/);
  assert.deepEqual(complaints, []);
  await page.close();
});

/** What a screen reader would call what has no name. */
const NAMELESS = `[...document.querySelectorAll('a, button, select, input, summary, canvas, [role], [tabindex="0"]')].filter((one) => {
  if (one.hidden || one.getAttribute('aria-hidden') || ['status', 'alert'].includes(one.getAttribute('role'))) return false;
  const label = one.getAttribute('aria-label') || one.textContent || [...(one.labels ?? [])].map((l) => l.textContent).join('');
  return label.trim() === '';
}).map((one) => one.outerHTML.slice(0, 100))`;

for (const view of VIEWS)
  test(`page: everything in ${view} has a name`, skip, async () => {
    const { page } = await open(browser, fileOf(view), `#view=${view}`);
    await openAll(page);
    assert.deepEqual(await inPage(page, NAMELESS), []);
    assert.equal(await page.locator('h1').count(), 1);
    assert.equal(await page.locator('nav a[aria-current=page]').count(), 1);
    await page.close();
  });

for (const view of VIEWS)
  test(`page: markup in records and in the address is text in ${view}`, skip, async () => {
    const address = `#view=${view}&f.label=${encodeURIComponent(`${MARKUP} 0`)}&rows=${encodeURIComponent(MARKUP)}&series=x.NaN&records=-1.1e9`;
    for (const hash of [`#view=${view}&by=label&of=all`, address]) {
      const { page, complaints } = await open(browser, HOSTILE, hash, { width: 375 });
      await openAll(page);
      assert.equal(await page.locator('h1').innerText(), MARKUP);
      assert.match(await page.locator('.about').innerText(), /2 lines skipped/);
      assert.ok((await page.locator('main').innerText()).length > 100);
      assert.equal(await page.locator('img, b, body script:not([type]) ~ script, iframe').count(), 0);
      assert.equal(await inPage(page, NO_SIDEWAYS), true);
      assert.deepEqual(complaints, []);
      await page.close();
    }
  });
