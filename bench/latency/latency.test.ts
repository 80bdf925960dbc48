/** Latency measured by whole runs: what is sampled and how often; never how long it took. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { DOORBELLS } from '../../src/doorbell/index.ts';
import { inCombinations } from '../../src/test-length.ts';
import { main } from '../cli.ts';
import type { Hooks } from '../command-line/command.ts';
import type { Fault } from '../pair/faults.ts';
import type { Repetition, RunRecord } from '../records/record.ts';
import { measure } from '../run/test-measure.ts';
import { sumOf } from './histogram.ts';

const SMALL = ['--warmup', '2k', '--transfers', '20k'];
const TRANSFERS = 20_000;

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));

type Pair = Repetition['pairs'][0];

const onlyPair = (record: RunRecord): Pair => record.repetitions[0]!.pairs[0]!;
const countOf = (encoded: string | null) => (encoded === null ? 0 : sumOf([encoded]).totalCount);

/** What holds for every run whose latency is sampled. */
function checkLatency({ guest, host, latency }: Pair, samples: number): void {
  assert.ok(latency !== null);
  assert.equal(countOf(latency.roundTrip), samples);
  assert.ok(countOf(latency.kickToWake) <= host.pinged, `${host.pinged} kicks taken`);
  assert.ok(countOf(latency.callToWake) <= guest.pinged, `${guest.pinged} calls taken`);
  assert.ok(latency.clockNs > 0);
}

for (const [i, { name: doorbell, unavailable }] of Object.values(DOORBELLS).entries())
  for (const [j, cpus] of ['same', 'distant'].entries())
    for (const [k, eventidx] of [[], ['--eventidx']].entries()) {
      if (!inCombinations(i, j, k)) continue;
      test(`latency: of every 16th transfer, and of wake-ups (${[doorbell, cpus, ...eventidx].join(' ')})`, {
        skip: unavailable?.() ?? false,
      }, async () => {
        const args = ['--latency', '16', '--doorbell', doorbell, '--cpus', cpus, ...eventidx];
        const { code, err, record } = await measure([...SMALL, ...args]);
        assert.equal(code, 0, err.join('\n'));
        const pair = onlyPair(record);
        assert.equal(pair.lostWakeups, 0);
        assert.equal(pair.verifiedTransfers, TRANSFERS);
        assert.equal(pair.latency?.every, 16);
        checkLatency(pair, TRANSFERS / 16);
      });
    }

const shapes: [what: string, args: string[], every: number, samples: number][] = [
  ['no number', [...SMALL, '--latency'], 64, 313],
  ['every one', [...SMALL, '--latency', '1'], 1, TRANSFERS],
  ['not a divisor', [...SMALL, '--latency', '7'], 7, 2858],
  ['more than there are', [...SMALL, '--latency', '2000M'], 2_000_000_000, 1],
  ['three transfers, no warm-up', ['--transfers', '3', '--warmup', '0', '--latency', '1'], 1, 3],
  ['more samples than are kept', ['--transfers', '1.1M', '--latency', '1'], 2, 550_000],
  ['batches', [...SMALL, '--latency', '16', '--batch', '10'], 16, 1250],
  ['one in flight', [...SMALL, '--latency', '16', '--outstanding', '1'], 16, 1250],
  ['a host that polls', [...SMALL, '--latency', '16', '--fast-vringh'], 16, 1250],
  ['no ring', [...SMALL, '--latency', '16', '--layout', 'null'], 16, 1250],
];
for (const [what, args, every, samples] of shapes)
  test(`latency: ${what}`, async () => {
    const { code, err, record } = await measure(args);
    assert.equal(code, 0, err.join('\n'));
    const pair = onlyPair(record);
    assert.equal(pair.latency?.every, every);
    checkLatency(pair, samples);
  });

test('latency: a wait that a ring ended is sampled on either side', async () => {
  // With one in flight and no event index each side waits for the other, nearly every time.
  const { record } = await measure([...SMALL, '--latency', '--outstanding', '1', '--look-us', '0', '--cpus', 'same']);
  const { latency } = onlyPair(record);
  assert.ok(countOf(latency!.kickToWake) > 0);
  assert.ok(countOf(latency!.callToWake) > 0);
});

test('latency: not asked for, not there', async () => {
  const { record, err } = await measure(SMALL);
  assert.equal(onlyPair(record).latency, null);
  assert.doesNotMatch(err.join('\n'), /latency/);
});

test('latency: people get a table, plotters their files', async () => {
  const prefix = join(folder, 'plots', 'run');
  const args = [
    '--latency',
    '--hgrm',
    prefix,
    '--repeat',
    '2',
    '--outstanding',
    '1',
    '--look-us',
    '0',
    '--cpus',
    'same',
  ];
  const { code, err, record } = await measure([...SMALL, ...args]);
  const text = err.join('\n');
  assert.equal(code, 0, text);
  assert.match(text, /^ {2}latency, µs +p50 +p90 +p99 +p99\.9 +p99\.99 +max +samples$/m);
  assert.match(text, /^ {2}round trip( +\d+\.\d){3} .* 626$/m);
  assert.match(text, /^ {2}kick to wake +\d/m);
  assert.match(text, /^ {2}call to wake +\d/m);
  assert.match(text, /one of 64 transfers; a look at the clock \((libc|engine)\) takes \d+ ns$/m);
  const kinds = ['call-to-wake', 'kick-to-wake', 'round-trip'];
  assert.deepEqual(
    readdirSync(join(folder, 'plots')).sort(),
    kinds.map((kind) => `run.${kind}.hgrm`),
  );
  for (const kind of kinds) assert.match(text, new RegExp(`^ {2}distribution +.*run\\.${kind}\\.hgrm$`, 'm'));
  assert.match(readFileSync(`${prefix}.round-trip.hgrm`, 'utf8'), /Total count += +626/);
  const encoded = record.repetitions.map(({ pairs }) => pairs[0]!.latency!.roundTrip!);
  assert.equal(sumOf(encoded).totalCount, 626);
});

async function exitCode(args: string[], hooks: Hooks = {}): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const console = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) };
  const code = await main(args, console, { harness: false, ...hooks });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

const refused: [what: string, args: string[], message: RegExp][] = [
  ['distributions of nothing', ['--hgrm', join(folder, 'x')], /--hgrm needs --latency/],
  [
    'distributions where no file can be',
    ['--latency', '--hgrm', '/dev/null/x'],
    /--hgrm \/dev\/null\/x\.round-trip\.hgrm: cannot be appended to: ENOTDIR/,
  ],
];
for (const [what, args, message] of refused)
  test(`latency refuses before anything is measured: ${what}`, async () => {
    const { code, out, err } = await exitCode(['--parallel', '--out', 'none', ...args]);
    assert.equal(code, 2);
    assert.equal(out, '');
    assert.match(err, message);
  });

test('latency: distributions that cannot be written cost neither the figures nor the record', async () => {
  const file = join(folder, 'records.ndjson');
  const gone = join(folder, 'gone');
  // A file where the folder would be, made after the command looked: it asks for the signal when that is done.
  const signal = () => {
    writeFileSync(gone, '');
    return new AbortController().signal;
  };
  const args = ['--parallel', ...SMALL, '--latency', '--hgrm', join(gone, 'x'), '--out', file];
  const { code, out, err } = await exitCode(args, { signal });
  assert.equal(code, 1);
  assert.match(out, /round trip/);
  assert.match(err, /^failed: the distributions could not be written to .*gone\/x: E/m);
  assert.match(readFileSync(file, 'utf8'), /"outcome":"done"/);
});

for (const cpus of ['same', 'distant'])
  for (const eventidx of [[], ['--eventidx']])
    test(`latency: sampling one of 8 collects nothing in the window (${[cpus, ...eventidx].join(' ')})`, async () => {
      const { code, err, record } = await measure([
        '--transfers',
        '200k',
        '--latency',
        '8',
        '--cpus',
        cpus,
        ...eventidx,
      ]);
      assert.equal(code, 0, err.join('\n'));
      const { guest, host } = onlyPair(record);
      assert.deepEqual([guest.gcCount, host.gcCount], [0, 0]);
    });

const WINDOW = 12_000;

// They wait more than they compute.
suite('latency: with it, too', { concurrency: 2 }, () => {
  for (const side of ['guest', 'host'] as const)
    test(`a lost wake-up is counted (rings of the ${side})`, async () => {
      const fault: Fault = { side, kind: 'mute', transfer: WINDOW };
      const { code, record } = await measure(
        [...SMALL, '--latency', '--timeout', '3', '--eventidx', '--look-us', '0'],
        { fault },
      );
      assert.equal(code, 3);
      assert.ok(onlyPair(record).lostWakeups > 0);
      checkLatency(onlyPair(record), 313);
    });
});

for (const side of ['guest', 'host'] as const)
  test(`latency: with it, too, a collection is counted (${side})`, async () => {
    const { err, record } = await measure([...SMALL, '--latency'], {
      fault: { side, kind: 'garbage', transfer: WINDOW },
    });
    assert.ok(onlyPair(record)[side].gcCount > 0);
    assert.match(err.join('\n'), /garbage was collected/);
  });
