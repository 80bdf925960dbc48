import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UsageError } from '../command-line/option-values.ts';
import { BROKEN_HISTOGRAMS, EMPTY_HISTOGRAM, histogramOf } from '../latency/test-histograms.ts';
import { VERSION } from './environment.ts';
import { eachLine, loadRecords, passedOver } from './load.ts';
import { type AnyRecord, anyRecordSchema } from './schema.ts';
import { driveRecordOf, latencyOf, peerRecordOf, recordOf, repetition } from './test-record.ts';

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'spoilt.ndjson');

const good = JSON.stringify(recordOf());
const schema = (version: unknown) => JSON.stringify({ ...recordOf(), schema: version });

const spoilt: [what: string, line: string, why: RegExp][] = [
  ['half a line in the middle', `${good.slice(0, 100)}\n`, /^not JSON: /],
  ['half a line at the end', good.slice(0, 100), /^half a line: its writing was cut off$/],
  ['two on one line', `${good}${good}\n`, /^not JSON: /],
  ['a NaN token', `${good.replace(/"wallNs":[\d.]+/, '"wallNs":NaN')}\n`, /^not JSON: .*'?N'?/],
  ['NUL bytes', `${'\0'.repeat(4096)}\n`, /^not JSON: \P{Cc}*$/u],
  ['a number', '1\n', /^not a record: /],
  ['null', 'null\n', /^not a record: /],
  ['an array', '[]\n', /^not a record: /],
  [
    'a field that is wrong',
    `${good.replace('"transfers":1000', '"transfers":-1')}\n`,
    /^not a record: config\.transfers: /,
  ],
  ['a field that is missing', `${good.replace('"label":"",', '')}\n`, /^not a record: label: /],
  ['a field that is unknown', `${good.replace('"label":"",', '"label":"","more":1,')}\n`, /^not a record: .*more/],
  [
    'a later schema',
    `${schema(2)}\n`,
    RegExp(`^schema 2: needs a newer vringbench \\(this is ${VERSION}, which reads schema 1\\)$`),
  ],
  ['a schema before the first', `${schema(0)}\n`, /^schema 0: no vringbench ever wrote it$/],
  ['a schema that is no number', `${schema('<b>\u001b[31m')}\n`, /^not a record: schema: \P{Cc}*$/u],
  [
    'a name that would clear a terminal',
    `${JSON.stringify({ ...recordOf(), '\u001b[2J\u202e\n': 1 })}\n`,
    /^not a record: [^\p{Cc}\p{Cf}]*$/u,
  ],
  [
    'a name without an end',
    `${JSON.stringify({ ...recordOf(), ['x'.repeat(10_000_000)]: 1 })}\n`,
    /^not a record: .{1,200}$/,
  ],
];
for (const [what, line, why] of spoilt)
  test(`load: ${what} costs its line alone`, () => {
    const after = line.endsWith('\n') ? `${JSON.stringify(recordOf({ label: 'after' }))}\n` : '';
    writeFileSync(file, `${JSON.stringify(recordOf({ label: 'before' }))}\n${line}${after}`);
    const { records, problems } = loadRecords([file]);
    assert.deepEqual(
      records.map(({ label }) => label),
      after === '' ? ['before'] : ['before', 'after'],
    );
    assert.deepEqual([problems.length, problems[0]?.file, problems[0]?.line], [1, file, 2]);
    assert.match(problems[0]!.why, why);
  });

test('load: records of other kinds are found beside those of run, and told from them', () => {
  const others = [driveRecordOf({ label: 'mine' }), peerRecordOf()];
  writeFileSync(file, [recordOf(), ...others, recordOf()].map((record) => `${JSON.stringify(record)}\n`).join(''));
  const loaded = loadRecords([file]);
  assert.deepEqual([loaded.records.length, loaded.others, loaded.problems], [2, others, []]);
  assert.deepEqual(
    [...eachLine([file])].map((found) => ('other' in found ? null : found.line)),
    [1, null, null, 4],
  );
});

test('load: a record of peers of before there was a mended program', () => {
  const record = peerRecordOf();
  const { program, rounds } = record;
  const { startNs: _, ...older } = program;
  const olderRounds = rounds.map(({ first, peer, ours }) => ({
    ...{ first, peer },
    ours: ours.map(({ helperCpuNs: _, ...figures }) => figures),
  }));
  writeFileSync(file, `${JSON.stringify({ ...record, program: older, rounds: olderRounds })}\n`);
  assert.deepEqual(loadRecords([file]), { records: [], others: [record], problems: [] });
});

const notes = [
  // kinds, what readers of run say
  [[], null],
  [['drive'], '1 record of drive, passed over'],
  [['peer', 'drive', 'peer'], '1 record of drive, 2 records of peers, passed over'],
] as const;
for (const [kinds, expected] of notes)
  test(`load: passed over: [${kinds}]`, () => assert.equal(passedOver(kinds), expected));

const spoiltOthers: [what: string, record: object, why: RegExp][] = [
  ['a field that is wrong', driveRecordOf({ label: 1 as unknown as string }), /^not a record of drive: label: /],
  ['a field that is wrong', peerRecordOf({ transfers: 0 }), /^not a record of peers: transfers: /],
  ['a field of run', { ...driveRecordOf(), sweep: null }, /^not a record of drive: .*sweep/],
  ['a later schema', { ...driveRecordOf(), schema: 2 }, /^schema 2: needs a newer vringbench/],
  ['a kind that nobody knows', { ...driveRecordOf(), kind: 'serve' }, /^not a record: /],
];
for (const [what, record, why] of spoiltOthers)
  test(`load: a record with ${what} is a problem: ${why.source}`, () => {
    writeFileSync(file, `${JSON.stringify(record)}\n`);
    const { records, others, problems } = loadRecords([file]);
    assert.deepEqual([records.length, others.length, problems.length], [0, 0, 1]);
    assert.match(problems[0]!.why, why);
  });

/** A record of `run` with this in place of one of its histograms. */
function withHistogram(kind: 'roundTrip' | 'kickToWake' | 'callToWake', text: string) {
  const [pair] = repetition().pairs;
  const latency = { ...latencyOf(10, 1000, 10), [kind]: text };
  return recordOf({ repetitions: [repetition({ pairs: [{ ...pair!, latency }] })] });
}

function withDriveHistogram(text: string) {
  const record = driveRecordOf();
  record.repetitions[0]!.writes!.latency!.histogram = text;
  return record;
}

const noHistograms = [
  ...BROKEN_HISTOGRAMS,
  ['one without a sample', EMPTY_HISTOGRAM, /^a histogram without a sample$/] as const,
  ['one of 2^44 samples', histogramOf(2 ** 44), /^a histogram of 17592186044416 samples: more than \d+$/] as const,
];
for (const [what, text, why] of noHistograms)
  test(`load: a record with ${what} in place of a histogram costs its line alone, and names the field`, () => {
    const kinds = ['roundTrip', 'kickToWake', 'callToWake'] as const;
    const spoilt = [...kinds.map((kind) => withHistogram(kind, text)), withDriveHistogram(text)];
    const all = [recordOf(), ...spoilt, recordOf()];
    writeFileSync(file, all.map((record) => `${JSON.stringify(record)}\n`).join(''));
    const { records, others, problems } = loadRecords([file]);
    assert.deepEqual([records.length, others.length], [2, 0]);
    const fields = [
      ...kinds.map((kind) => `not a record: repetitions.0.pairs.0.latency.${kind}: `),
      'not a record of drive: repetitions.0.writes.latency.histogram: ',
    ];
    for (const [i, field] of fields.entries()) {
      const { line, why: told } = problems[i]!;
      assert.equal(line, i + 2);
      assert.ok(told.startsWith(field), told);
      assert.match(told.slice(field.length), why);
    }
    for (const record of spoilt) assert.throws(() => anyRecordSchema.parse(record));
  });

/** Paths to every number of a record. */
function numbersIn(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value === 'number') return [path];
  if (typeof value !== 'object' || value === null) return [];
  const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
  return [...keys].flatMap((key) => numbersIn((value as Record<string | number, unknown>)[key], [...path, key]));
}

/** The record's line with other text in place of that number. */
function lineWith(record: AnyRecord, path: readonly (string | number)[], text: string): string {
  const copy = structuredClone(record) as unknown as Record<string | number, unknown>;
  let inner = copy;
  for (const key of path.slice(0, -1)) inner = inner[key] as typeof copy;
  inner[path.at(-1)!] = '@';
  return JSON.stringify(copy).replace('"@"', text);
}

const noNumbers = ['NaN', '1e999', '-1e999', '-1', '"1"', '{}'];
const full = withHistogram('roundTrip', histogramOf(0, 1));
full.harness = { guestNs: 1, hostNs: 1, repetitions: [{ guestNs: 1, hostNs: 1 }] };
full.sweep = { id: 'a', seed: 1, repetition: 1 };
for (const [what, record] of [
  ['run', full],
  ['drive', driveRecordOf()],
  ['peers', peerRecordOf()],
] as const)
  test(`load: no number of a record of ${what} can be none, infinite or negative, and no figure so large that sums are`, () => {
    const paths = numbersIn(record);
    assert.ok(paths.length > 15);
    for (const path of paths) {
      const texts = noNumbers.filter((text) => path.at(-1) !== 'nice' || text !== '-1');
      writeFileSync(file, texts.map((text) => `${lineWith(record, path, text)}\n`).join(''));
      const { records, others, problems } = loadRecords([file]);
      assert.deepEqual([records.length, others.length, problems.length], [0, 0, texts.length], path.join('.'));
      // Options may be any; what is added up and divided may not.
      if (path[0] === 'config') continue;
      writeFileSync(file, `${lineWith(record, path, '1e300')}\n`);
      assert.equal(loadRecords([file]).problems.length, 1, path.join('.'));
    }
  });

const notNought: [what: string, record: AnyRecord, pattern: RegExp][] = [
  ['transfers', full, /^config\.transfers$/],
  ['what a run cannot be without', full, /^config\.(repeat|ringSize|size|pairs|batch|outstanding|completeBatch)$/],
  ['what is divided by', full, /^repetitions\.0\.((pairs\.0\.)?(wallNs|transfersPerSecond)|pairs\.0\.latency\.every)$/],
  ['blocks and requests', driveRecordOf(), /^config\.(blockSizeBytes|depth|queues|repeat|sizeBytes|ringSize)$/],
  ['transfers of peers', peerRecordOf(), /^(transfers|rounds\.0\.(peer|ours\.0)\.(wallNs|transfersPerSecond|ratio))$/],
];
for (const [what, record, pattern] of notNought)
  test(`load: a record with 0 for ${what} is none`, () => {
    const paths = numbersIn(record).filter((path) => pattern.test(path.join('.')));
    assert.ok(paths.length > 0);
    for (const path of paths) {
      writeFileSync(file, `${lineWith(record, path, '0')}\n`);
      assert.deepEqual(
        loadRecords([file]).problems.map(({ why }) => why.includes(`${path.join('.')}: `)),
        [true],
        path.join('.'),
      );
    }
  });

test('load: an id that a record of the other kind has is a problem', () => {
  const run = recordOf();
  writeFileSync(file, `${JSON.stringify(run)}\n${JSON.stringify(driveRecordOf({ id: run.id }))}\n`);
  assert.deepEqual(
    loadRecords([file]).problems.map(({ why }) => why),
    [`its id is that of ${file}, line 1`],
  );
});

const sound: [what: string, content: string][] = [
  ['a byte order mark', `\ufeff${good}\n`],
  ['CRLF', `${good}\r\n`],
  ['blank lines', `\n \t\n${good}\n\r\n\n`],
  ['no newline at the end', good],
  ['a label of 10 MB', `${good.replace('"label":""', `"label":"${'x'.repeat(10_000_000)}"`)}\n`],
];
for (const [what, content] of sound)
  test(`load: ${what} is no problem`, () => {
    writeFileSync(file, content);
    const { records, problems } = loadRecords([file]);
    assert.deepEqual([records.length, problems], [1, []]);
  });

test('load: a line over the bound is a problem, and the next is read', () => {
  writeFileSync(file, `${'x'.repeat(100_000)}\n${good}\n`);
  const { records, problems } = loadRecords([file], 50_000);
  assert.deepEqual(problems, [{ file, line: 1, why: 'longer than 50000 bytes' }]);
  assert.equal(records.length, 1);
});

test('load: of a record that does not tell what crossed the CPUs, it was JavaScript', () => {
  const untold = (record: object) => JSON.stringify(record).replaceAll('"crossedBy":"wasm",', '');
  const lines = [good, JSON.stringify(peerRecordOf()), untold(recordOf()), untold(peerRecordOf())];
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  const { records, others, problems } = loadRecords([file]);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    records.map(({ repetitions }) => repetitions[0]!.crossedBy),
    ['wasm', 'js'],
  );
  assert.deepEqual(
    others.map((other) => 'crossedBy' in other && other.crossedBy),
    ['wasm', 'js'],
  );
});

test('load: folders are their ndjson files, sorted; each file and each record once', () => {
  const of = join(folder, 'of');
  mkdirSync(of);
  mkdirSync(join(of, 'deeper'));
  const lines = ['b', 'a', 'c'].map((label) => `${JSON.stringify(recordOf({ label }))}\n`);
  writeFileSync(join(of, 'b.ndjson'), lines[0]!);
  writeFileSync(join(of, 'a.ndjson'), lines[1]! + lines[0]!);
  writeFileSync(join(of, 'c.txt'), lines[2]!);
  writeFileSync(join(of, 'deeper', 'd.ndjson'), lines[2]!);
  symlinkSync('a.ndjson', join(of, 'z.ndjson'));
  const { records, problems } = loadRecords([join(of, 'c.txt'), of, join(of, 'c.txt')]);
  assert.deepEqual(
    records.map(({ label }) => label),
    ['c', 'a', 'b'],
  );
  const again = `its id is that of ${join(of, 'a.ndjson')}, line 2`;
  assert.deepEqual(problems, [{ file: join(of, 'b.ndjson'), line: 1, why: again }]);
});

test('load: an empty folder has no records', () => {
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  assert.deepEqual(loadRecords([empty]), { records: [], others: [], problems: [] });
});

test('load: a path that is not there is a mistake that names it', () => {
  const path = join(folder, 'not-there');
  assert.throws(
    () => loadRecords([file, path]),
    (error) => {
      assert.ok(error instanceof UsageError);
      assert.ok(error.message.startsWith(`${path}: cannot be read: ENOENT`));
      return true;
    },
  );
});
