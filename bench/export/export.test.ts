/** Each format is read back by a strict reader of its own rules, and every number compared with the record's. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { printable } from '../command-line/printable.ts';
import type { Repetition } from '../records/record.ts';
import { driveRecordOf, HOSTILE_LABEL, latencyOf, recordOf, repetition, side } from '../records/test-record.ts';
import { exported, fileOf, folder, textOf } from './test-exported.ts';
import { readBencher, readCsv, readGithub, readGo, readHgrm } from './test-readers.ts';

/** 2000 round trips of 1 to 2000 µs, then of 1001 to 3000 µs. */
const withLatency = (change: Partial<Repetition>, firstNs: number): Repetition => {
  const plain = repetition(change);
  return { ...plain, pairs: [{ ...plain.pairs[0]!, latency: latencyOf(2000, firstNs, 1000) }] };
};
const RECORDS = [
  recordOf({
    label: HOSTILE_LABEL,
    failure: 'a "quoted", one\r\nand more',
    warnings: ['one, "two"', 'three'],
    repetitions: [withLatency({}, 1000), withLatency({ transfersPerSecond: 5e6, wallNs: 200_000 }, 1_001_000)],
  }),
  recordOf({ label: HOSTILE_LABEL, repetitions: [repetition({ transfersPerSecond: 6e6 })] }, [
    '--eventidx',
    '--batch=4',
  ]),
  recordOf({ label: HOSTILE_LABEL, repetitions: [], outcome: 'done' }, ['--doorbell=spin']),
];
const PLAIN = 'ring/engine=wasm/ordering=wasm/doorbell=adaptive/layout=split/host=vringh';
const NAMES = [`${PLAIN}/transfers=1000`, `${PLAIN}/eventidx=on/transfers=1000/batch=4`] as const;

test('export: records of drive are passed over, and said to be', async () => {
  const file = fileOf([], `${JSON.stringify(driveRecordOf())}\n${JSON.stringify(driveRecordOf())}\n`);
  const { code, err } = await exported(['--format', 'go', file]);
  assert.equal(code, 1);
  assert.match(err, /^note: 2 records of drive, passed over\nfailed: no finished repetition in 0 of 0 records/);
});

/** By hand from the figures of `test-record.ts`: medians of two repetitions, percentiles of two histograms. */
const EXPECTED: Record<string, [value: number, low: number, high: number]> = {
  throughput: [(4_704_123.25 + 5e6) / 2, 4_704_123.25, 5e6],
  'notifications-per-transfer': [0.147, 0.147, 0.147],
  'kicks-per-transfer': [0.049, 0.049, 0.049],
  'calls-per-transfer': [0.098, 0.098, 0.098],
  'cpu-per-transfer': [212, 212, 212],
};
/** Of a histogram of three digits. */
const about = (value: number, expected: number) =>
  assert.ok(Math.abs(value / expected - 1) < 2e-3, `${value}, ${expected}`);
const LATENCIES: Record<string, [value: number, low: number, high: number]> = {
  'round-trip-p50': [1_500_000, 1_000_000, 2_000_000],
  'round-trip-p90': [2_600_000, 1_800_000, 2_800_000],
  'round-trip-p99': [2_960_000, 1_980_000, 2_980_000],
  'round-trip-p99.9': [2_996_000, 1_998_000, 2_998_000],
  'call-to-wake-p50': [5000, 5000, 5000],
};

function checkMeasures(
  found: Map<string, { value: number; low?: number; high?: number }>,
  wanted: readonly string[],
): void {
  assert.deepEqual([...found.keys()].sort(), [...wanted].sort());
  for (const [name, { value, low, high }] of found) {
    const exact = EXPECTED[name];
    if (exact !== undefined) assert.deepEqual([value, low, high], exact);
    else for (const [i, expected] of LATENCIES[name]!.entries()) about([value, low!, high!][i]!, expected);
  }
}

test('export: bencher: benchmark, measure, value and bounds, and nothing else', async () => {
  const text = await textOf('bencher', RECORDS);
  const document = readBencher(text);
  assert.deepEqual(Object.keys(document), NAMES);
  const found = Object.entries(document[NAMES[0]]!).map(
    ([measure, { value, lower_value: low, upper_value: high }]) =>
      [measure, { value: value!, low: low!, high: high! }] as const,
  );
  checkMeasures(new Map(found), [...Object.keys(EXPECTED), ...Object.keys(LATENCIES)]);
  assert.deepEqual(document[NAMES[1]]!.throughput, { value: 6e6, lower_value: 6e6, upper_value: 6e6 });
});

for (const [format, measures] of [
  ['github-bigger', ['throughput']],
  ['github-smaller', [...Object.keys(EXPECTED).filter((name) => name !== 'throughput'), ...Object.keys(LATENCIES)]],
] as const)
  test(`export: ${format}: a list of name, unit, value, range, extra`, async () => {
    const list = readGithub(await textOf(format, RECORDS));
    const found = new Map<string, { value: number; low: number; high: number }>();
    for (const { name, value, range, extra } of list) {
      assert.ok(range !== undefined && extra !== undefined);
      const [benchmark, measure] = name.split(': ');
      assert.ok(NAMES.some((name) => name === benchmark));
      if (benchmark !== NAMES[0]) continue;
      assert.ok(extra.endsWith(`\n${printable(HOSTILE_LABEL)}`));
      const [low, high] = range.split(' – ').map(Number);
      found.set(measure!, { value, low: low!, high: high! });
    }
    checkMeasures(found, measures);
  });

test('export: go: a line a repetition, with the place in keys, the rest in comments', async () => {
  const elsewhere = recordOf({ label: HOSTILE_LABEL });
  elsewhere.environment = { ...elsewhere.environment, machine: 'other\nBenchmarkX 1 2 ns/op', cpus: 64 };
  const { results, units } = readGo(await textOf('go', [...RECORDS, elsewhere]));
  assert.deepEqual(
    results.map(({ name, iterations }) => [name, iterations]),
    [
      [`Benchmark${NAMES[0].replace('r', 'R')}-2`, 1000],
      [`Benchmark${NAMES[0].replace('r', 'R')}-2`, 1000],
      [`Benchmark${NAMES[1].replace('r', 'R')}-2`, 1000],
      [`Benchmark${NAMES[0].replace('r', 'R')}-64`, 1000],
    ],
  );
  assert.deepEqual(
    results.map(({ keys }) => keys.get('machine')),
    [...Array(3).fill('test-2cpu-01234567'), 'other·BenchmarkX 1 2 ns/op'],
  );
  assert.deepEqual([...results[0]!.keys.keys()], ['machine', 'cpu', 'kernel', 'node', 'v8']);
  assert.equal(units.get('transfers/s'), 'better=higher');
  assert.equal(units.get('notifications/transfer'), 'better=lower');
  const { values } = results[1]!;
  const exact = { 'ns/op': 200, 'transfers/s': 5e6, 'notifications/transfer': 0.147, 'kicks/transfer': 0.049 };
  for (const [unit, value] of Object.entries({ ...exact, 'calls/transfer': 0.098, 'cpu-per-transfer-ns': 212 })) {
    assert.equal(values.get(unit), value);
    values.delete(unit);
  }
  assert.equal(results[0]!.values.get('ns/op'), 212.3455);
  for (const [name, [, , high]] of Object.entries(LATENCIES)) {
    about(values.get(`${name}-ns`)!, high);
    values.delete(`${name}-ns`);
  }
  assert.deepEqual([...values], []);
});

test('export: csv: a row a repetition, with every field of its record', async () => {
  const [header, ...rows] = readCsv(await textOf('csv', RECORDS));
  assert.equal(new Set(header).size, header!.length);
  assert.equal(rows.length, 3);
  const cells = rows.map((row) => {
    assert.equal(row.length, header!.length);
    return new Map(header!.map((name, i) => [name, row[i]!]));
  });
  const shown = (value: unknown) =>
    value === null ? '' : typeof value === 'string' ? marked(printable(value)) : String(value);
  /** Every scalar of a value by its path, as the columns name it. */
  const paths = (value: unknown, path: string): [string, string][] =>
    value !== null && typeof value === 'object'
      ? Object.entries(value).flatMap(([key, of]) => {
          const name = Array.isArray(value) ? String(Number(key) + 1) : key;
          return paths(of, path === '' ? name : `${path}.${name}`);
        })
      : [[path, shown(value)]];
  const places = [
    [RECORDS[0]!, 0],
    [RECORDS[0]!, 1],
    [RECORDS[1]!, 0],
  ] as const;
  for (const [i, [record, place]] of places.entries()) {
    const { repetitions, warnings, sweep, harness, ...fields } = record;
    const { crossCpuNs, ...figures } = repetitions[place]!;
    const row = cells[i]!;
    const expected = [...paths(fields, ''), ...paths(figures, '')].filter(
      ([path]) => !/latency(\.|$)/.test(path) || path.startsWith('config'),
    );
    for (const [path, value] of expected) assert.equal(row.get(path), value, path);
    assert.deepEqual([row.get('crossCpuNs.before'), row.get('crossCpuNs.after')], ['180.5', '']);
    assert.equal(row.get('warnings'), warnings.join('; '));
    assert.equal(row.get('repetition'), `${place + 1}`);
    assert.deepEqual([row.get('sweep.id'), row.get('harness.guestNs')], [shown(sweep), shown(harness)]);
  }
  about(Number(cells[0]!.get('pairs.1.latency.roundTrip.p50Ns')), 1_000_000);
  about(Number(cells[1]!.get('pairs.1.latency.roundTrip.maxNs')), 3_000_000);
  assert.equal(cells[1]!.get('pairs.1.latency.roundTrip.samples'), '2000');
  assert.equal(cells[1]!.get('pairs.1.latency.roundTrip.p99.99Ns'), '');
  assert.equal(cells[1]!.get('pairs.1.latency.kickToWake.samples'), '');
  assert.equal(cells[0]!.get('pairs.1.latency.clockNs'), '25.5');
  assert.equal(cells[2]!.get('pairs.1.latency.clockNs'), '');
});

/** What a spreadsheet could take for a formula. */
const marked = (text: string) => (/^(\s*[=+\-@]|')/.test(text) ? `'${text}` : text);

const cells: [what: string, label: string, cell: string][] = [
  ['a formula', '=HYPERLINK("http://a.b")', `'=HYPERLINK("http://a.b")`],
  ['a formula that adds', '+1', "'+1"],
  ['a formula that looks like a number', '-1', "'-1"],
  ['a formula at a sign', '@A1', "'@A1"],
  ['a formula behind spaces', ' \u00a0=1', "' \u00a0=1"],
  ['a formula of wide signs', '＝1', "'＝1"],
  ['a tab, which some readers skip', '\t=1', '·=1'],
  ['a carriage return, the same', '\r=1', '·=1'],
  ['the mark', "'quoted'", "''quoted'"],
  ['anything else', 'a=1-2', 'a=1-2'],
];
for (const [what, label, cell] of cells)
  test(`export: csv: ${what} is a text, and is read back by one rule`, async () => {
    const [header, row] = readCsv(await textOf('csv', [recordOf({ label })]));
    const found = row![header!.indexOf('label')]!;
    assert.equal(found, cell);
    assert.equal(found.replace(/^'/, ''), printable(label));
  });

test('export: csv: a negative number is a number', async () => {
  const plain = repetition();
  const pairs = [{ ...plain.pairs[0]!, guest: side({ nice: -5 }) }];
  const [header, row] = readCsv(await textOf('csv', [recordOf({ repetitions: [{ ...plain, pairs }] })]));
  assert.equal(row![header!.indexOf('pairs.1.guest.nice')], '-5');
});

test('export: hgrm: one kind of one configuration, summed over its repetitions, in microseconds', async () => {
  const { rows, comments } = readHgrm(await textOf('hgrm', RECORDS));
  assert.equal(comments.length, 3);
  const [middle] = rows.filter(([, percentile]) => percentile === 0.5);
  about(middle![0]!, 1500);
  assert.equal(rows.at(-1)![2], 4000);
  about(rows.at(-1)![0]!, 3000);
  for (const [i, [value, percentile, total]] of rows.entries()) {
    const [lastValue, lastPercentile, lastTotal] = rows[i - 1] ?? [0, 0, 0];
    assert.ok(value! >= lastValue! && percentile! >= lastPercentile! && total! >= lastTotal!);
  }
  const wake = readHgrm(await textOf('hgrm', RECORDS, '--kind', 'call-to-wake'));
  assert.equal(wake.rows.at(-1)![2], 4);
});

const mistakes: [what: string, args: () => string[], err: RegExp][] = [
  ['no format', () => [fileOf(RECORDS)], /^vringbench: --format wants one of bencher, .*csv\n$/],
  [
    'an unknown format',
    () => ['--format', 'cvs'],
    /^vringbench: --format wants one of .*not 'cvs'; did you mean csv\?\n$/,
  ],
  [
    'a file that is not there',
    () => ['--format', 'csv', join(folder, 'no')],
    /^vringbench: .*no: cannot be read: ENOENT.*\n$/,
  ],
  [
    'an unknown option',
    () => ['--fromat', 'csv'],
    /^vringbench: unknown argument '--fromat'; did you mean --format\?\n$/,
  ],
  [
    'a kind without hgrm',
    () => ['--format', 'csv', '--kind', 'round-trip'],
    /^vringbench: --kind is an option of --format hgrm\n$/,
  ],
  [
    'an unknown kind',
    () => ['--format', 'hgrm', '--kind', 'x'],
    /^vringbench: --kind wants one of round-trip, kick-to-wake, call-to-wake, .*\n$/,
  ],
  [
    'a kind without samples',
    () => ['--format', 'hgrm', '--kind', 'kick-to-wake', fileOf(RECORDS)],
    /none of the records has samples of kick to wake/,
  ],
  [
    'two configurations',
    () => [
      '--format',
      'hgrm',
      fileOf([
        RECORDS[0]!,
        { ...recordOf({ label: HOSTILE_LABEL, repetitions: RECORDS[0]!.repetitions }, ['--eventidx']) },
      ]),
    ],
    /takes one configuration, not ring.* and ring.*choose with --id\n$/,
  ],
  [
    'a folder to write to',
    () => ['--format', 'csv', '--out', folder, fileOf(RECORDS)],
    /^vringbench: --out .*: cannot be written: EISDIR.*\n$/,
  ],
];
for (const [what, args, err] of mistakes)
  test(`export: refuses ${what} in one line`, async () => {
    const ended = await exported(args());
    assert.match(ended.err, err);
    assert.deepEqual([ended.code, ended.out, ended.err.split('\n').length], [2, '', 2]);
  });

test('export: a line that is no record is named, costs the others nothing, and exits 1', async () => {
  const file = fileOf(RECORDS, '{"schema":2}\n');
  const { code, out, err } = await exported(['--format', 'csv', file]);
  assert.equal(code, 1);
  assert.equal(readCsv(out).length, 4);
  assert.match(err, /^warning: left out: .*:4: schema 2: needs a newer vringbench .*\n$/);
});

test('export: of many lines that are no records the first five are named, and all are counted', async () => {
  const { code, err } = await exported(['--format', 'csv', fileOf(RECORDS, '{"schema":2}\n'.repeat(1200))]);
  const lines = err.trimEnd().split('\n');
  assert.deepEqual([code, lines.length], [1, 6]);
  for (const [i, line] of lines.slice(0, 5).entries())
    assert.match(line, RegExp(`^warning: left out: .*:${i + 4}: schema 2`));
  assert.equal(lines[5], 'warning: left out: 1,200 in all; results doctor names them');
});

test('export: without a finished repetition there is nothing to export', async () => {
  const { code, out, err } = await exported(['--format', 'bencher', fileOf([RECORDS[2]!])]);
  assert.deepEqual([code, out], [1, '']);
  assert.equal(err, 'failed: no finished repetition in 1 of 1 record: nothing to export\n');
});

test('export: --out writes the same bytes to a file', async () => {
  const file = fileOf(RECORDS);
  const out = join(folder, 'new', 'out.csv');
  const written = await exported(['--format', 'csv', '--out', out, file]);
  assert.deepEqual(written, { code: 0, out: '', err: '' });
  assert.equal(readFileSync(out, 'utf8'), (await exported(['--format=csv', '--out=-', file])).out);
});

test('export: where the kernel tells nothing of threads, CPU time is the process’s', async () => {
  const plain = repetition();
  const unknown = { ...plain.pairs[0]!, host: side({ cpuNs: null }) };
  const document = JSON.parse(await textOf('bencher', [recordOf({ repetitions: [{ ...plain, pairs: [unknown] }] })]));
  assert.equal(document[NAMES[0]]['cpu-per-transfer'].value, 210);
});

test('export: two pairs count their transfers together', async () => {
  const plain = repetition();
  const pairs = [plain.pairs[0]!, plain.pairs[0]!];
  const { results } = readGo(await textOf('go', [recordOf({ repetitions: [{ ...plain, pairs }] })]));
  assert.equal(results[0]!.iterations, 2000);
  assert.equal(results[0]!.values.get('notifications/transfer'), 0.147);
});
