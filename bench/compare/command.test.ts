import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { main } from '../cli.ts';
import type { RunRecord } from '../records/record.ts';
import { around, recordOf } from './test-records.ts';

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
function fileOf(...records: readonly RunRecord[]): string {
  const file = join(folder, `${files++}.ndjson`);
  writeFileSync(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  return file;
}

async function compare(...args: readonly string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await main(['compare', ...args], { out: (line) => out.push(line), err: (line) => err.push(line) });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

const before = fileOf(recordOf({ speeds: around(3e6, 15) }));
const same = fileOf(recordOf({ speeds: around(3.001e6, 15) }));
const slower = fileOf(recordOf({ speeds: around(2.4e6, 15) }));

test('compare: the same is said to be the same, and passes the gate', async () => {
  const { code, out, err } = await compare(before, same, '--fail-on-regression', '5');
  assert.equal(code, 0, err);
  assert.match(out, /^1 same$/m);
});

test('compare: slower is said with its ratio and interval, and passes without a gate only', async () => {
  const { code, out } = await compare(before, slower);
  assert.equal(code, 0);
  assert.match(out, /3\.000 \(15\) +2\.400 \(15\) +0\.800 +0\.\d{3} – 0\.\d{3} +-1\.00 +slower/);
  const gated = await compare(before, slower, '--fail-on-regression', '5');
  assert.equal(gated.code, 1);
  assert.match(gated.err, /^regression: 0\.800 times as fast/m);
});

test('compare: few repetitions are not enough, and it says how many more would be', async () => {
  const { out } = await compare(fileOf(recordOf({ speeds: [3e6, 3.1e6] })), fileOf(recordOf({ speeds: [2.9e6, 3e6] })));
  assert.match(out, /not enough data: \d+ more a side/);
});

test('compare: one repetition a side has no interval, in no format', async () => {
  const files = [fileOf(recordOf({ speeds: [3e6] })), fileOf(recordOf({ speeds: [1.2e6] }))];
  const { out } = await compare(...files);
  assert.match(out, /3\.000 \(1\) +1\.200 \(1\) +0\.400 +– +-1\.00 +not enough data +–/);
  for (const format of ['--markdown', '--json'])
    assert.doesNotMatch((await compare(...files, format)).out, /Infinity|NaN/);
  const { speed, notifications } = JSON.parse((await compare(...files, '--json')).out).cells[0].modes[0];
  assert.deepEqual([speed.low, speed.high, notifications.low, notifications.high], [null, null, null, null]);
});

test('compare: one cell is named above the table, and several by what they share', async () => {
  const rest = 'doorbell=adaptive/layout=split/host=vringh';
  const one = await compare(before, same);
  const name = `ring/engine=wasm/ordering=wasm/${rest}/transfers=1000`;
  assert.match(one.out, new RegExp(`^cell: ${name}\n\n +A M/s`, 'm'));
  const markdown = await compare(before, same, '--markdown');
  assert.ok(markdown.out.includes(`\nCell: ${name}\n\n| cell | A M/s |`), markdown.out);
  const two = fileOf(...[[], ['--eventidx']].map((args) => recordOf({ speeds: around(3e6, 15), args })));
  const several = await compare(two, two);
  assert.match(several.out, new RegExp(`^every cell: ${name}\n\ncell +A M/s`, 'm'));
  assert.match(several.out, /^eventidx=off +3\.000/m);
});

test('compare: what is missing, or has no verdict, is named on standard error, and is in every document', async () => {
  const whole = fileOf(...[[], ['--eventidx']].map((args) => recordOf({ speeds: around(3e6, 15), args })));
  const gate = ['--fail-on-regression', '5'];
  const text = await compare(whole, same, ...gate);
  assert.equal(text.code, 1);
  assert.match(text.err, /^missing: not in B: ring\/.*\/eventidx=on\/transfers=1000$/m);
  assert.match(text.out, /^1 same, 1 missing in B$/m);
  const allowed = await compare(whole, same, ...gate, '--allow-missing');
  assert.equal(allowed.code, 0);
  assert.match(allowed.err, /^note: missing: not in B: ring\//m);
  const markdown = await compare(whole, same, ...gate, '--markdown');
  assert.match(markdown.out, /^- \*\*missing\*\*: not in B: ring\//m);
  const json = JSON.parse((await compare(whole, same, ...gate, '--json')).out);
  assert.deepEqual([json.onlyA.length, json.onlyB.length, json.regressions], [1, 0, []]);
  assert.deepEqual([json.findings[0].what, json.findings[0].fails], ['missing', true]);
  const lost = [fileOf(recordOf({ speeds: [3e6] })), fileOf(recordOf({ speeds: [1.2e6] }))];
  const passed = await compare(...lost, ...gate);
  assert.deepEqual([passed.code, passed.err], [0, 'note: no verdict: not enough data']);
  const required = await compare(...lost, '--require-verdict');
  assert.deepEqual([required.code, required.err], [1, 'no verdict: not enough data']);
});

test('compare: of many that are missing the first five are named, the others counted', async () => {
  const many = Array.from({ length: 9 }, (_, i) => recordOf({ speeds: [3e6], args: ['--batch', `${i + 1}`] }));
  const { err } = await compare(fileOf(...many), fileOf(many[0]!));
  const lines = err.split('\n');
  assert.equal(lines.length, 6);
  assert.match(lines[4]!, /^note: missing: not in B: .*batch=6$/);
  assert.equal(lines[5], 'note: missing: and 3 more');
});

test('compare: notes on the sets are a part of every output', async () => {
  const newer = fileOf(recordOf({ speeds: around(3e6, 15), environment: { node: '99.0.0' }, warnings: ['cold'] }));
  for (const format of [[], ['--markdown'], ['--json']]) {
    const { out } = await compare(before, newer, ...format);
    assert.match(out, /environment\.node differs: .* in A, 99\.0\.0 in B/);
    assert.match(out, /figures of B are doubtful, 1 of 1 record: cold/);
  }
  const itself = await compare(before, before);
  assert.match(itself.out, /^note: 1 record is in both: it is compared with itself$/m);
});

test('compare: two modes of the machine are compared mode by mode', async () => {
  const [fast, slow] = [
    [90, 95],
    [400, 410],
  ] as const;
  const of = (speeds: number[]) =>
    fileOf(
      recordOf({ speeds, crossings: speeds.map((_, i) => (i < 8 ? fast : slow)) }),
      recordOf({ speeds: [1e6], crossings: [[90, 400]] }),
    );
  const { out } = await compare(
    of([...around(3e6, 8, 0.005), ...around(1e6, 8)]),
    of([...around(3e6, 8, 0.005), ...around(1.5e6, 8)]),
  );
  assert.match(out, /CPU to CPU 9\d – 9\d ns +3\.000 \(8\) +3\.000 \(8\) +1\.000 .* same/);
  assert.match(out, /CPU to CPU 40\d – 40\d ns +1\.000 \(8\) +1\.500 \(8\) +1\.500 .* faster/);
  assert.match(out, /compared mode by mode/);
  assert.match(out, /2 repetitions left out, during which the way between the CPUs changed/);
});

test('compare: ways by different means are not taken for modes, and it says so', async () => {
  const of = (crossing: number, crossedBy: 'js' | 'wasm') => {
    const speeds = around(3e6, 8, 0.005);
    return fileOf(recordOf({ speeds, crossedBy, crossings: speeds.map(() => [crossing, crossing] as const) }));
  };
  const { code, out } = await compare(of(250, 'js'), of(100, 'wasm'));
  assert.equal(code, 0);
  assert.match(out, /3\.000 \(8\) +3\.000 \(8\) +1\.000 .* same/);
  assert.match(out, /by JavaScript in older records, by Wasm in newer: modes not told apart/);
});

test('compare: what differs is refused by its name, with exit code 2', async () => {
  const other = fileOf(recordOf({ speeds: around(3e6, 5), environment: { machine: 'other' } }));
  const { code, err } = await compare(before, other);
  assert.equal(code, 2);
  assert.match(err, /^vringbench: .*environment\.machine differs/);
});

test('compare: across machines, how the cells of each relate', async () => {
  const on = (machine: string, unit: number, wasm: number) =>
    fileOf(
      recordOf({ speeds: around(unit, 15), environment: { machine } }),
      recordOf({ speeds: around(wasm, 15), args: ['--ordering', 'wasm'], environment: { machine } }),
    );
  const { code, out, err } = await compare(on('one', 1e6, 2e6), on('two', 5e6, 10e6), '--across-machines');
  assert.equal(code, 0, err);
  assert.equal(err, '');
  assert.match(out, /A of the reference/);
  assert.match(out, /2\.000 \(15\) +2\.000 \(15\) +1\.000/);
  assert.match(out, /^note: every speed is divided by that of engine=wasm/m);
});

test('compare: lines that are no record are passed over with a note, a schema of another version is refused', async () => {
  const [record] = [recordOf({ speeds: around(3e6, 15) })];
  const spoilt = join(folder, 'spoilt.ndjson');
  writeFileSync(spoilt, `half a line\n${JSON.stringify(record)}\n`);
  const { code, err } = await compare(before, spoilt);
  assert.equal(code, 0);
  assert.match(err, /note: .*spoilt\.ndjson:1: not JSON/);
  writeFileSync(spoilt, `${JSON.stringify({ ...record, schema: 2 })}\n${JSON.stringify(record)}\n`);
  const refused = await compare(before, spoilt);
  assert.equal(refused.code, 2);
  assert.match(refused.err, /spoilt\.ndjson:1: schema 2/);
});

test('compare: of many lines that are no records the first five are named, and all are counted', async () => {
  const file = join(folder, 'many.ndjson');
  writeFileSync(file, `${'half a line\n'.repeat(1200)}${JSON.stringify(recordOf({ speeds: around(3e6, 15) }))}\n`);
  const { code, err } = await compare(before, file);
  assert.equal(code, 0);
  assert.deepEqual(
    [...err.matchAll(/^note: .*many\.ndjson:(\d+): not JSON/gm)].map(([, line]) => line),
    [...'12345'],
  );
  assert.match(err, /^note: 1,200 in all; results doctor names them$/m);
});

test('compare: Markdown and JSON; nothing in a name is markup', async () => {
  const file = fileOf(recordOf({ speeds: around(3e6, 15) }));
  const { out } = await compare(before, file, '--markdown');
  assert.match(out, /^\| cell \| A M\/s \|/m);
  const failed = await compare(before, slower, '--markdown', '--fail-on-regression', '5');
  assert.match(failed.out, /^- \*\*regression\*\*: 0\.800 times as fast/m);
  const refused = await compare(
    before,
    fileOf(recordOf({ speeds: [1], environment: { machine: 'other' } })),
    '--markdown',
  );
  assert.match(refused.out, /^Not compared: .*machine differs/);
  const json = await compare(before, file, '--json');
  assert.equal(JSON.parse(json.out).cells[0].modes[0].speed.verdict, 'same');
});

/** Files of A and of B with a repetition a record, measured in this order; the cells one after another each time. */
function measuredIn(order: string, cells: readonly string[][] = [[]]): [string, string] {
  const speeds = around(3e6, order.length);
  const of = (side: string) =>
    [...order].flatMap((at, place) =>
      at === side ? cells.map((args) => recordOf({ speeds: [speeds[place]!], args, second: place })) : [],
    );
  return [fileOf(...of('A')), fileOf(...of('B'))];
}

const BLOCKS = 'AAAAABBBBB';
const measured: [what: string, files: [string, string], note: RegExp | null][] = [
  ['by turns', measuredIn('ABBAABABBA'), null],
  ['in blocks', measuredIn(BLOCKS), /not measured by turns: .*npm run ab/],
  ['in blocks, two cells', measuredIn(BLOCKS, [[], ['--eventidx']]), /2 of 2 cells not measured by turns/],
  ['a record of many repetitions a side', [before, same], /not measured by turns: .*baseline/],
];
for (const [what, files, note] of measured)
  test(`compare: measured ${what}: ${note === null ? 'no note' : 'a note'} in every format, and the gate is as before`, async () => {
    const said = (text: string) => text.split('\n').filter((line) => line.includes('not measured by turns'));
    const gate = ['--fail-on-regression', '5'];
    const text = await compare(...files, ...gate);
    const markdown = await compare(...files, ...gate, '--markdown');
    const json = await compare(...files, ...gate, '--json');
    assert.deepEqual([text.code, markdown.code, json.code], [0, 0, 0]);
    const notes = (JSON.parse(json.out).notes as string[]).flatMap(said);
    for (const lines of [said(text.out), said(markdown.out), said(json.err), notes]) {
      assert.equal(lines.length, note === null ? 0 : 1, lines.join('\n'));
      if (note !== null) assert.match(lines[0]!, note);
    }
    for (const { byTurns } of JSON.parse(json.out).cells) assert.equal(byTurns, note === null);
  });

const wrong: [args: string[], message: RegExp][] = [
  [[], /compare wants two sets of records/],
  [[before], /compare wants two sets of records/],
  [[before, same, slower], /unexpected argument/],
  [[before, 'nowhere'], /nowhere: neither a file/],
  [['', before], /'' names no records: an unset variable\?/],
  [[before, same, '--allow-missing'], /--allow-missing is an option of --fail-on-regression/],
  [
    [before, same, '--fail-on-regression=5', '--allow-missing', '--require-all'],
    /--allow-missing cannot be given with --require-all/,
  ],
  [[before, same, '--fail-on-regression', 'much'], /--fail-on-regression wants percent above 0, up to 100, not 'much'/],
  [[before, same, '--markdown', '--json'], /--markdown cannot be given with --json/],
];
for (const [args, message] of wrong)
  test(`compare refuses: ${args.map((argument) => argument.replace(folder, '')).join(' ')}`, async () => {
    const { code, err } = await compare(...args);
    assert.equal(code, 2);
    assert.match(err, message);
    assert.doesNotMatch(err, /\n/);
  });
