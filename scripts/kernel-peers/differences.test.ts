import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PeerRecord } from '../../bench/records/peer-record.ts';
import { peerRecordOf } from '../../bench/records/test-record.ts';
import { differenceLines } from './differences.ts';
import type { Measured } from './measured.ts';
import { ROWS } from './rows.ts';

interface Sizes {
  startNs?: number | null;
  helperCpuNs?: number | null;
  /** Ours by default is as many times as fast as plain; not given: plain was not run. */
  gain?: number;
  /** Of plain. */
  ratio?: number | null;
}

/** A row of one round of 250 µs, in which ours takes 200 µs of CPU time. */
function row(name: string, { startNs = null, helperCpuNs = null, gain, ratio = 1 }: Sizes): Measured {
  const base = peerRecordOf({ row: name });
  const { ours, ...round } = base.rounds[0]!;
  const byDefault = { ...ours[0]!, helperCpuNs, cpuUserNs: 150_000, cpuSystemNs: 50_000 };
  const plain = {
    ...byDefault,
    ...{ strategy: 'plain', ratio, transfersPerSecond: byDefault.transfersPerSecond / (gain ?? 1) },
  };
  const record: PeerRecord = {
    ...base,
    program: { ...base.program, startNs },
    ours: { default: [], ...(gain === undefined ? {} : { plain: [] }) },
    rounds: [{ ...round, ours: gain === undefined ? [byDefault] : [byDefault, plain] }],
  };
  return { row: ROWS.find((each) => each.name === name)!, record };
}

const cases: [what: string, rows: Measured[], lines: (string | RegExp)[]][] = [
  ['what was not measured is not said', [row('same:none', {})], []],
  [
    'a start, in percent of a run; of each group',
    [
      row('same:none', { startNs: 2500 }),
      row('same:eventidx', { startNs: 5000 }),
      row('ringtest:ring', { startNs: 1e6 }),
    ],
    [/^a start of C, .* \(same: 0\.0 ms, 1\.00 to 2\.00 % of a run; ringtest: 1\.0 ms, 400\.00 % of a run\)$/],
  ],
  [
    'helper threads, in percent of our CPU time',
    [row('same:none', { helperCpuNs: 14_000 }), row('same:eventidx', { helperCpuNs: 18_000 })],
    [/^ours has helper threads .* \(same: 7\.0 to 9\.0 % of its CPU time\)$/],
  ],
  [
    'batches and looks, and what they gain',
    [row('same:none', { gain: 1.05 }), row('distant:none', { gain: 1.5 })],
    [/^ours publishes in batches .*\(default \/ plain, same: 1\.05 times; distant: 1\.50 times\)$/],
  ],
  ['a gain in rounds of two modes', [row('distant:none', { gain: 2, ratio: null })], []],
];
for (const [what, rows, expected] of cases)
  test(`differences: ${what}`, () => {
    const lines = differenceLines(rows);
    assert.equal(lines.length, expected.length, lines.join('\n'));
    for (const [i, line] of expected.entries())
      if (typeof line === 'string') assert.equal(lines[i], line);
      else assert.match(lines[i]!, line);
  });
