/** How the page lists, names and compares configurations, and what of it a narrow window shows. In a real browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { RunRecord } from '../records/record.ts';
import { choose, inPage, until, withoutBrowser } from './test-browser.ts';
import { openerOf } from './test-pages.ts';
import type { Wanted } from './test-records.ts';

const skip = { skip: withoutBrowser };

const withConfig = (record: RunRecord, config: Partial<RunRecord['config']>): RunRecord => ({
  ...record,
  config: { ...record.config, ...config },
});

const CELLS = 6;
/** Slow doorbells are measured with fewer transfers, others at one batch with both. */
function withTransfers(record: RunRecord, place: number): RunRecord {
  const { doorbell, batch } = record.config;
  const fewer = doorbell === 'futex' || (batch === 4 && Math.floor(place / CELLS) % 2 === 0);
  return withConfig(record, { transfers: fewer ? 100_000 : 2_000_000, warmup: fewer ? 1000 : 20_000 });
}

/** What a side has otherwise beside the doorbell. */
const withEngine = (record: RunRecord): RunRecord =>
  withConfig(record, { engine: record.config.doorbell === 'spin' ? 'wasm' : 'js' });

/** Sound but for none; the ring has two sizes with as many in flight, and one in flight. */
function withRings(record: RunRecord): RunRecord {
  const { batch, ordering } = record.config;
  const ringSize = batch > 2 ? 4096 : 256;
  return withConfig(record, {
    orderingSound: ordering !== 'none',
    batch: 1,
    ringSize,
    outstanding: batch % 2 === 0 ? ringSize : 1,
  });
}

/** The second and the last commit were measured with rings of their own. */
function withOtherRings(record: RunRecord): RunRecord {
  const [, digit] = record.environment.commit!;
  const ringSize = { 2: 128, 4: 512 }[digit!] ?? 256;
  return withConfig(record, { ringSize, outstanding: ringSize });
}

const LONG_LABEL = 'with the event index moved to a cache line of its own, second try';
const ONE: Wanted = { commits: 1, repetitions: 3, cpus: ['same'], samples: 200 };
const PAGES = {
  all: { commits: 6, repetitions: 4, samples: 200 },
  sweep: { ...ONE, orderings: ['wasm', 'seqcst'], doorbells: ['spin', 'futex', 'adaptive'], batches: [16, 4, 64, 1] },
  days: {
    ...ONE,
    commits: 4,
    change: (record) => ({ ...record, environment: { ...record.environment, commit: null } }),
  },
  transfers: { ...ONE, repetitions: 4, orderings: ['seqcst'], batches: [1, 4], change: withTransfers },
  apart: { ...ONE, orderings: ['seqcst'], change: withEngine },
  between: { commits: 4, repetitions: 1, samples: 0, change: withOtherRings },
  rings: { ...ONE, orderings: ['none', 'seqcst'], doorbells: ['futex'], batches: [1, 2, 3, 4], change: withRings },
  runtimes: {
    ...ONE,
    commits: 2,
    change: (record) => ({
      ...record,
      label: record.label === 'before' ? LONG_LABEL : `${LONG_LABEL}, third`,
      environment: { ...record.environment, node: record.label === 'before' ? '20.20.2' : '22.1.0' },
    }),
  },
} satisfies Record<string, Wanted>;
const openPage = openerOf<keyof typeof PAGES>(PAGES);

const legendOf = (page: Page) => page.locator('.legend li').allInnerTexts();
const current = (page: Page) => page.locator('nav a[aria-current=page]').getAttribute('id');
const sum = (page: Page) => page.locator('#compare-sum').innerText();
const names = (page: Page) => page.locator('table tbody th').allInnerTexts();
const choicesOf = (page: Page, list: string) => page.locator(`${list} option`).allInnerTexts();

for (const [what, file, hash, view] of [
  ['several commits open on the history', 'all', '', 'view-history'],
  ['one commit opens on the heat map', 'sweep', '', 'view-heat'],
  ['one commit with another choice in the address opens on the heat map', 'sweep', '#theme=dark', 'view-heat'],
  ['one commit shows the history when it is asked for', 'sweep', '#view=history', 'view-history'],
  ['several days without a commit open on the history', 'days', '', 'view-history'],
] as const)
  test(`page: ${what}`, skip, async () => {
    const { page, complaints } = await openPage(file, hash);
    assert.equal(await current(page), view);
    assert.equal(await page.locator('#map').count(), view === 'view-heat' ? 1 : 0);
    assert.deepEqual(complaints, []);
    await page.close();
  });

/** In the order of the options, doorbells by their names, batches by their numbers. */
const IN_ORDER = ['seqcst', 'wasm'].flatMap((ordering) =>
  ['adaptive', 'futex', 'spin'].flatMap((doorbell) =>
    [1, 4, 16, 64].map((batch) => `${ordering} ${doorbell} batch=${batch}`),
  ),
);
const configurations = (listed: readonly string[]) => [
  ...new Set(listed.map((text) => /^\S+ \S+ \S+\d/.exec(text)![0])),
];

test('page: configurations are listed in order, not in that of the sweep', skip, async () => {
  const { page } = await openPage('sweep', '#view=history');
  assert.deepEqual(configurations(await legendOf(page)), IN_ORDER);
  await page.click('#view-latency');
  await page.waitForSelector('#chart-latency');
  const listed = await legendOf(page);
  // Those that are drawn stand first.
  assert.deepEqual(configurations(listed), IN_ORDER);
  await page.close();
});

test('page: A against B along any field, with all else alike', skip, async () => {
  const { page, complaints } = await openPage('all', '#view=compare');
  assert.deepEqual(await choicesOf(page, '#option-by'), ['commit', 'label', 'ordering', 'doorbell', 'cpus']);
  await choose(page, '#option-by', 'doorbell');
  await choose(page, '#option-a', 'futex');
  await choose(page, '#option-b', 'adaptive');
  assert.equal(
    await inPage(page, 'location.hash'),
    '#view=compare&a=futex&by=doorbell',
    'adaptive is the first that is not futex',
  );
  // Of six commits, two orderings, two placements; A is 2.7 M/s, B 6.8.
  assert.match(await sum(page), /over 24 cells: 2\.[45]\d times/);
  assert.deepEqual([...new Set(await page.locator('.verdict').allInnerTexts())], ['▲ better']);
  for (const name of await names(page)) assert.match(name, /^(seqcst|wasm) cpus=(same|distant) commit=[0-9a-f]{10}$/);
  await page.close();
  const { page: two } = await openPage('all', '#view=compare&by=cpus&f.commit=0123456701');
  assert.match(await sum(two), /over 6 cells: 0\.[67]\d+ times/);
  assert.deepEqual((await names(two)).sort(), [
    'seqcst adaptive',
    'seqcst futex',
    'seqcst spin',
    'wasm adaptive',
    'wasm futex',
    'wasm spin',
  ]);
  assert.deepEqual(complaints, []);
  await two.close();
});

test('page: what keeps A and B from being compared, and what differs beside, is said', skip, async () => {
  const { page } = await openPage('apart', '#view=compare&by=doorbell&a=futex&b=spin');
  assert.match(
    await page.locator('main').innerText(),
    /No record of A has its like in B\..*differ in this, too: engine\./,
  );
  await choose(page, '#option-b', 'adaptive');
  assert.match(await sum(page), /over 1 cell:/);
  await page.close();
  const { page: runtimes } = await openPage('runtimes', '#view=compare&by=commit');
  assert.match(await runtimes.locator('#compare-too').innerText(), /differ in this, too: node\.$/);
  await runtimes.close();
});

test('page: the other side is by default the nearest that has something in common', skip, async () => {
  const { page } = await openPage('between', '#view=compare&by=commit&b=0369d03503');
  assert.equal(await inPage(page, 'document.querySelector("#option-a").value'), '0123456701');
  assert.match(await sum(page), /over 12 cells/);
  await page.close();
});

test('page: a chart reads the last point that it shows', skip, async () => {
  const { page } = await openPage('between', '#view=history&show=speed');
  const readOut = page.locator('#chart-speed-read-out');
  assert.match(await readOut.innerText(), /^0369d03503,.*M\/s/s);
  await page.close();
});

test('page: what follows the ordering or the ring does not keep A and B apart', skip, async () => {
  const { page } = await openPage('rings', '#view=compare&by=ordering');
  assert.match(await sum(page), /over 4 cells/);
  assert.deepEqual((await names(page)).sort(), [
    'ring-size=256',
    'ring-size=256 outstanding=1',
    'ring-size=4,096',
    'ring-size=4,096 outstanding=1',
  ]);
  await choose(page, '#option-by', 'ring-size');
  assert.match(await sum(page), /over 4 cells/);
  assert.deepEqual((await names(page)).sort(), [
    'none outstanding=1',
    'none outstanding=ring',
    'seqcst outstanding=1',
    'seqcst outstanding=ring',
  ]);
  await page.close();
});

/** How much wider a list would have to be to show the longest of its choices whole, CSS pixels. */
const lacking = (list: string) => `(() => {
  const select = document.querySelector('${list}');
  const has = select.getBoundingClientRect().width;
  const whole = document.body.appendChild(select.cloneNode(true));
  whole.style.cssText = 'position: absolute; max-width: none; width: auto';
  const wants = whole.getBoundingClientRect().width;
  whole.remove();
  return Math.max(0, wants - has);
})()`;

test('page: the lists of A and B show their choices whole, what differs first', skip, async () => {
  const { page } = await openPage('runtimes', '#view=compare&by=label');
  for (const list of ['#option-a', '#option-b']) {
    assert.equal(await inPage(page, lacking(list)), 0);
    for (const text of await choicesOf(page, list)) assert.match(text, /^with the event.* try(, third)? \(18 records/);
  }
  await page.close();
});

const CUT_OFF = `[...document.querySelectorAll('nav a, .verdict, thead th:nth-child(2)')].filter((one) => {
  const { left, right } = one.getBoundingClientRect();
  return left < 0 || right > innerWidth || right > one.closest('nav, .scroll').getBoundingClientRect().right;
}).map((one) => one.textContent)`;

test('page: at 375 px all tabs and verdicts are seen', skip, async () => {
  const { page } = await openPage('all', '#view=compare', { width: 375 });
  assert.ok((await page.locator('.verdict').count()) > 0);
  assert.equal(await page.locator('thead th').nth(1).innerText(), 'Verdict');
  assert.deepEqual(await inPage(page, CUT_OFF), []);
  // All in one line.
  assert.equal(
    await inPage(page, 'new Set([...document.querySelectorAll("nav a")].map((tab) => tab.offsetTop)).size'),
    1,
  );
  await page.close();
});

test('page: transfers and warm-up are named where nothing else tells two apart', skip, async () => {
  const { page } = await openPage('transfers', '#view=heat&of=all');
  await page.click('#table-heat');
  await until(page, 'document.querySelector("#table-heat + * tbody tr") !== null');
  assert.deepEqual((await page.locator('.fold tbody th').allInnerTexts()).sort(), [
    'adaptive batch=1',
    'adaptive batch=4 transfers=100,000 warmup=1,000',
    'adaptive batch=4 transfers=2,000,000 warmup=20,000',
    'futex batch=1',
    'futex batch=4',
    'spin batch=1',
    'spin batch=4 transfers=100,000 warmup=1,000',
    'spin batch=4 transfers=2,000,000 warmup=20,000',
  ]);
  // Nor are they what the map shows of its own accord.
  assert.equal(await inPage(page, 'document.querySelector("#option-rows").value'), 'doorbell');
  await page.close();
});

test('page: long numbers are grouped where they are read, and not in the address', skip, async () => {
  const { page } = await openPage('transfers', '#view=heat&of=all&rows=transfers');
  assert.deepEqual(await page.locator('#map tbody th').allInnerTexts(), ['100,000', '2,000,000']);
  await page.click('#filter-transfers');
  await page.getByRole('checkbox', { name: '2,000,000', exact: true }).check();
  await until(page, 'location.hash.includes("f.transfers=2000000")');
  assert.match(await page.locator('#filter-transfers').innerText(), /2,000,000$/);
  await page.close();
});
