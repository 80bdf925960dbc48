/** From files to a page: what is read, what is skipped, what is embedded. No browser here. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { main } from '../cli.ts';
import type { RunRecord } from '../records/record.ts';
import { driveRecordOf } from '../records/test-record.ts';
import { embeddedJson } from './html.ts';
import type { PageData } from './page-data.ts';
import { linesOf, testRecords, writeRecords } from './test-records.ts';

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));
const fileOf = (name: string) => join(folder, name);

interface Made {
  code: number;
  out: string;
  err: string;
  html: string;
  data: PageData;
}

async function dashboard(...args: string[]): Promise<Made> {
  const target = fileOf('page.html');
  rmSync(target, { force: true });
  const [out, err]: [string[], string[]] = [[], []];
  const lines = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) };
  const code = await main(['dashboard', '--out', target, ...args], lines);
  const html = existsSync(target) ? readFileSync(target, 'utf8') : '';
  const json = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html)?.[1] ?? 'null';
  return { code, out: out.join('\n'), err: err.join('\n'), html, data: JSON.parse(json) as PageData };
}

const FEW = { commits: 2, repetitions: 1, samples: 100 };
const records = testRecords(FEW);
const field = ({ fields }: PageData, name: string) => fields.find((one) => one.name === name)!;

test('dashboard: every record is on the page, in columns', async () => {
  const { code, out, err, data } = await dashboard(writeRecords(fileOf('few.ndjson'), records), '--title', 'Ours');
  assert.equal(err, '');
  assert.equal(code, 0);
  assert.match(out, /page\.html: 24 records, 0\.\d MB$/);
  assert.equal(data.title, 'Ours');
  assert.equal(data.count, records.length);
  assert.deepEqual(field(data, 'doorbell').values, ['adaptive', 'futex', 'spin']);
  assert.equal(field(data, 'delayed-interrupt').column, null);
  const { values, column } = field(data, 'doorbell');
  assert.deepEqual(
    column!.map((place) => values[place]),
    records.map(({ config }) => config.doorbell),
  );
  assert.equal(data.figures.speed.length, records.length);
  assert.equal(
    data.figures.kicks[0],
    records[0]!.repetitions[0]!.pairs[0]!.guest.notified / records[0]!.config.transfers,
  );
});

test('dashboard: records of drive are passed over, and said to be', async () => {
  const file = fileOf('drives.ndjson');
  writeFileSync(file, `${JSON.stringify(driveRecordOf())}\n${JSON.stringify(driveRecordOf())}\n`);
  const { code, err, data } = await dashboard(file);
  assert.deepEqual([code, err, data.count], [0, 'note: 2 records of drive, passed over', 0]);
});

test('dashboard: every option of run that is recorded can be filtered by', async () => {
  const { data } = await dashboard(writeRecords(fileOf('few.ndjson'), records));
  const ofConfig = data.fields.filter(({ group }) => group === 'config' || group === 'effort');
  assert.equal(ofConfig.length, Object.keys(records[0]!.config).length);
});

test('dashboard: records out of order are put in order, and what is there twice is once', async () => {
  const first = writeRecords(fileOf('late.ndjson'), records.toReversed());
  const second = writeRecords(fileOf('again.ndjson'), records.slice(0, 3));
  const { data, err } = await dashboard(first, second);
  assert.match(err, /^(skipped: .*again\.ndjson:[123]: its id is that of .*late\.ndjson, line \d+\n?){3}$/);
  assert.equal(data.count, records.length);
  assert.ok(data.at.slice(1).every((step) => step >= 0));
  assert.equal(data.at[0], Date.parse(records[0]!.at));
});

const good = linesOf(records.slice(0, 1));
const line = JSON.stringify(records[1]);
const TEN_MB = 10 * 2 ** 20;
const broken: [what: string, text: string, skipped: number, kept: number, err: RegExp][] = [
  ['half a line at the end', good + line.slice(0, 700), 1, 1, /^skipped: .*broken.ndjson:2: half a line/],
  ['a last line without its end', good + line, 0, 2, /^$/],
  ['empty lines and other line ends', `\n${good.trimEnd()}\r\n\r\n${line}\r\n`, 0, 2, /^$/],
  ['no number', good + line.replace(/"wallNs":[\d.]+/, '"wallNs":NaN'), 1, 1, /:2: half a line/],
  [
    'a number too large',
    good + line.replace(/"wallNs":[\d.]+/, '"wallNs":1e999'),
    1,
    1,
    /:2: not a record: repetitions\.0\.wallNs/,
  ],
  ['another format', `{"schema":2}\n[]\nnull\n7\n"text"\n${good}`, 5, 1, /:1: schema 2.*:5: not a record/s],
  ['10 MB that are no record', `${'x'.repeat(TEN_MB)}\n${good}`, 1, 1, /^skipped: .*broken.ndjson:1: not JSON/],
  ['10 MB of brackets', `${'['.repeat(TEN_MB)}\n${good}`, 1, 1, /:1: not JSON/],
  ['bytes that are no text', `\u0000\ufffd\n${good}`, 1, 1, /:1: not JSON/],
  [
    'many of them',
    `${'x\n'.repeat(9)}${good}`,
    9,
    1,
    /:5: not JSON[^\n]*\nskipped: 9 in all; results doctor names them$/,
  ],
  [
    'a histogram that is none',
    good + JSON.stringify(records[1]).replaceAll(/"roundTrip":"[^"]*"/g, '"roundTrip":"HISTFAAA"'),
    1,
    1,
    /:2: not a record: repetitions\.0\.pairs\.0\.latency\.roundTrip: not a compressed HDR histogram of version 2$/,
  ],
];
for (const [what, text, skipped, kept, err] of broken)
  test(`dashboard: ${what}: ${skipped} skipped`, async () => {
    writeFileSync(fileOf('broken.ndjson'), text);
    const made = await dashboard(fileOf('broken.ndjson'));
    assert.match(made.err, err);
    assert.equal(made.code, 0);
    assert.equal(made.data.skippedLines, skipped);
    assert.equal(made.data.count, kept);
  });

test('dashboard: a label of 10 MB is cut', async () => {
  const long: RunRecord = { ...records[0]!, label: '<'.repeat(TEN_MB) };
  const { html, data, code } = await dashboard(writeRecords(fileOf('long.ndjson'), [long]));
  assert.equal(code, 0);
  assert.ok(html.length < 2 ** 20);
  assert.match(field(data, 'label').values[0]!, /^<{120}… #[0-9a-f]{8}$/);
});

test('dashboard: nothing in a record leaves its element', async () => {
  const hostile = '</script><script>alert(1)</script><!--<script>';
  const record: RunRecord = {
    ...records[0]!,
    label: hostile,
    environment: { ...records[0]!.environment, commit: hostile },
  };
  const { html, data } = await dashboard(writeRecords(fileOf('hostile.ndjson'), [record]), '--title', hostile);
  assert.equal(field(data, 'label').values[0], hostile);
  assert.equal(field(data, 'commit').values[0], hostile);
  assert.equal(html.match(/<script/g)!.length, 2);
  assert.equal(html.match(/<\/script/g)!.length, 2);
  assert.ok(html.includes('<title>&lt;/script&gt;'));
});

test('dashboard: embedded JSON has no tag and says the same', () => {
  const value = { a: '</script>', b: ['<!--', '\u2028', '\ud800'] };
  assert.doesNotMatch(embeddedJson(value), /</);
  assert.deepEqual(JSON.parse(embeddedJson(value)), value);
});

test('dashboard: the policy names the one script and the one style, and nothing else', async () => {
  const { html } = await dashboard(writeRecords(fileOf('few.ndjson'), records));
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)![1]!;
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const script = /<script>(.*?)<\/script>/s.exec(html)![1]!;
  const style = /<style>(.*?)<\/style>/s.exec(html)![1]!;
  assert.ok(policy.startsWith("default-src 'none'; "));
  assert.ok(policy.includes(`script-src ${hash(script)};`));
  assert.ok(policy.includes(`style-src ${hash(style)};`));
  assert.doesNotMatch(policy, /unsafe|http|\*/);
});

test('dashboard: no records make a page that says what to run', async () => {
  mkdirSync(fileOf('empty'));
  const { code, err, data } = await dashboard(fileOf('empty'));
  assert.equal(code, 0);
  assert.match(err, /^note: no records in .*empty$/);
  assert.equal(data.count, 0);
});

test('dashboard: of a folder the files of records', async () => {
  mkdirSync(fileOf('two'));
  writeRecords(fileOf('two/a.ndjson'), records.slice(0, 2));
  writeRecords(fileOf('two/b.ndjson'), records.slice(2, 5));
  writeFileSync(fileOf('two/README.md'), 'no records');
  const { err, data } = await dashboard(fileOf('two'));
  assert.equal(err, '');
  assert.equal(data.count, 5);
});

const kept = writeRecords(fileOf('kept.ndjson'), records);
const endings: [what: string, args: string[], code: number, err: RegExp][] = [
  ['a file that is not there', [fileOf('missing')], 2, /^vringbench: .*missing: cannot be read: ENOENT/],
  ['an unknown option', ['--titel', 'x'], 2, /^vringbench: unknown argument '--titel'; did you mean --title\?$/],
];
for (const [what, args, code, err] of endings)
  test(`dashboard: ${what} exits ${code}`, async () => {
    const made = await dashboard(...args);
    assert.match(made.err, err);
    assert.equal(made.code, code);
  });

async function ending(...args: string[]): Promise<[code: number, err: string]> {
  const err: string[] = [];
  const code = await main(['dashboard', ...args], { out: () => {}, err: (text) => err.push(text) });
  return [code, err.join('\n')];
}

test('dashboard: records are not overwritten by the page', async () => {
  const [code, err] = await ending(kept, '--out', kept);
  assert.equal(code, 2);
  assert.match(err, /is one of the files of records$/);
  assert.equal(readFileSync(kept, 'utf8'), linesOf(records));
});

test('dashboard: folders that are not there yet are made for the page', async () => {
  const out = fileOf('no/such/folder/page.html');
  assert.deepEqual(await ending(kept, '--out', out), [0, '']);
  assert.match(readFileSync(out, 'utf8'), /^<!doctype html>/);
});

test('dashboard: a page that cannot be written exits 1', async () => {
  const [code, err] = await ending(kept, '--out', folder);
  assert.equal(code, 1);
  assert.match(err, /^failed: EISDIR/);
});
