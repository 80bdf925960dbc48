import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PeerRecord } from '../../bench/records/peer-record.ts';
import { peerRecordOf } from '../../bench/records/test-record.ts';
import type { Measured } from './measured.ts';
import { ROWS } from './rows.ts';
import { reportLines } from './table.ts';

const rowNamed = (name: string) => ROWS.find((row) => row.name === name)!;

/** A row whose rounds have these ratios; null: not compared. */
function measured(name: string, ratios: readonly (number | null)[], change: Partial<PeerRecord> = {}): Measured {
  const record = peerRecordOf({ row: name, ...change });
  const { first, peer, ours } = record.rounds[0]!;
  const crossCpuNs: [number | null, number | null] = record.cpus === 'same' ? [null, null] : [100, 120];
  const rounds = ratios.map((ratio, i) => ({
    first,
    peer: { ...peer, transfersPerSecond: 4e6 + i * 1e6, crossCpuNs },
    shipped: null,
    ours: Object.keys(record.ours).map((strategy) => ({ ...ours[0]!, strategy, ratio })),
  }));
  return { row: rowNamed(name), record: { ...record, rounds } };
}
const report = (...rows: Measured[]) => reportLines(rows, 'markdown').join('\n');

test('table: a line for theirs, a line for each strategy of ours; times and notifications a transfer', () => {
  const change = { ours: { default: ['--eventidx'], best: ['--eventidx', '--batch', '16'] } };
  const lines = report(measured('same:eventidx', [1.25, 1.5, 1, 1.4, 1.3, 1.2, 1.1], change)).split('\n');
  assert.deepEqual(lines.slice(0, 8), [
    '**same: vringh_test, both halves on the first CPU, to which it pins them itself**',
    '',
    '| flags | program | M/s (range) | speed / C | user ns | system ns | guest | host |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    '| --eventidx | C | 7.00 (4.00–10.00) |  | 150 | 60 | 4.90 / 4.00 | 9.80 / 0.30 |',
    '|  | ours, default | 5.00 (5.00–5.00) | 1.25 [1.00, 1.50] | 150 | 60 | 4.90 / 4.00 | 9.80 / 0.30 |',
    '|  | ours, best | 5.00 (5.00–5.00) | 1.25 [1.00, 1.50] | 150 | 60 | 4.90 / 4.00 | 9.80 / 0.30 |',
    '',
  ]);
  assert.ok(lines.includes('- C: Linux 6.1.1-1, cc 12.2.0'));
  assert.ok(lines.some((line) => /^- machine: Test CPU, 2 virtual CPUs, linux 6\.1\.0, Node 20\.19\.0$/.test(line)));
  assert.ok(lines.includes('- speed / C: the median of the rounds’ ratios [interval of 95 %]'));
  assert.ok(lines.includes('- ours, best: --batch 16 (same:eventidx)'));
  assert.equal(lines.at(-1), '- below 1: none');
});

/** The same beside theirs as shipped, which has these ratios. */
function mended(name: string, ratios: readonly number[], shipped: readonly (number | null)[]): Measured {
  const { program } = peerRecordOf();
  const { row, record } = measured(name, ratios, { program: { ...program, edits: ['mended'] } });
  const rounds = record.rounds.map((round, i) => {
    const ratio = shipped[i];
    return { ...round, shipped: ratio === undefined ? null : { ...round.peer, transfersPerSecond: 3e6, ratio } };
  });
  return { row, record: { ...record, rounds } };
}

test('table: theirs mended, and as shipped beside it, with its ratio to the mended one', () => {
  const lines = report(mended('same:eventidx', [1.25], [0.75]), mended('same:fast-vringh', [1.5], [])).split('\n');
  assert.deepEqual(
    lines.slice(4, 9).map((line) => line.split(' | ').slice(0, 4)),
    [
      ['| --eventidx', 'C, mended', '4.00', ''],
      ['| ', 'C, as shipped', '3.00', '0.75'],
      ['| ', 'ours, default', '5.00', '1.25'],
      ['| --fast-vringh', 'C, mended', '4.00', ''],
      ['| ', 'ours, default', '5.00', '1.50'],
    ],
  );
  assert.ok(lines.some((line) => /^- C, mended: its host frees .* as shipped it never does/.test(line)));
  assert.ok(lines.some((line) => /^- as shipped left out, .*: same:fast-vringh$/.test(line)));
  assert.ok(lines.some((line) => /^- speed \/ C: .* to C \(mended, where it can be\)/.test(line)));
});

const said: [what: string, text: () => string, expected: RegExp][] = [
  ['few rounds', () => report(measured('same:none', [1, 2, 3])), /\[interval of 75 %: fewer than 6 rounds/],
  ['one round', () => report(measured('same:none', [2])), /\| 5\.00 \| 2\.00 \|[\s\S]*\(of one round, no interval\)/],
  [
    'what ours loses',
    () => report(measured('same:none', [0.5, 0.7, 0.6])),
    /- below 1: same:none, default 0\.60: more waiting: it spends no more CPU time a transfer; notifications \d/,
  ],
  [
    'rounds that were not compared',
    () => report(measured('distant:none', [1, null, 2, null], { cpus: '0,1' })),
    /CPU 0,1\)\*\*[\s\S]*- distant:none @0,1, default: 2 of 4 rounds not compared: .*\n.*100 to 120 ns$/m,
  ],
  [
    'rounds whose shipped program was not compared',
    () => report(mended('same:none', [1, 1], [0.75, null])),
    /- same:none, C as shipped: 1 of 2 rounds not compared/,
  ],
  ['none compared', () => report(measured('distant:none', [null], { cpus: '0,1' })), /ours, default \| 5\.00 \| – \|/],
  [
    'several pairs of CPUs',
    () => report(measured('distant:none', [1], { cpus: '0,1' }), measured('distant:none', [1], { cpus: '1,0' })),
    /\*\*\n[\s\S]*\(none\) @0,1 [\s\S]*\(none\) @1,0 /,
  ],
  [
    'a row that failed beside one that did not',
    () => report(measured('same:none', [], { outcome: 'failed', failure: 'why' }), measured('same:eventidx', [1])),
    /---: \|\n\| --eventidx \| C \|[\s\S]*- same:none: failed: why\n/,
  ],
  [
    'an interrupted row',
    () => report(measured('same:none', [1], { outcome: 'interrupted' })),
    /- same:none: interrupted$/m,
  ],
  [
    'a row of theirs alone',
    () => report(measured('ringtest:ring', [1], { cpus: '0,1', ours: {} })),
    /\| ring \| C \|[\s\S]*in percent of transfers\n- ringtest:ring @0,1: from[^\n]*\n- below 1: none/,
  ],
  [
    'ringtest',
    () => report(measured('ringtest:poll', [1], { cpus: '0,1' })),
    /\| virtio_ring_0_9 \| C \|[\s\S]*ringtest verifies nothing/,
  ],
];
for (const [what, text, expected] of said) test(`table: ${what}`, () => assert.match(text(), expected));

test('table: the same for the terminal', () => {
  const lines = reportLines([measured('same:eventidx', [1.25])], 'terminal');
  assert.ok(
    lines.some((line) => /^│ --eventidx │ C +│/.test(line)),
    lines.join('\n'),
  );
  assert.equal(lines.at(-1), 'below 1: none');
});
for (const rows of [[], [measured('same:none', [], { outcome: 'failed', failure: 'why' })]])
  test(`table: nothing measured of ${rows.length} rows, nothing said`, () =>
    assert.deepEqual(reportLines(rows, 'terminal'), []));
