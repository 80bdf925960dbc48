import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Repetition } from '../records/record.ts';
import { encodedHistogram } from './histogram.ts';
import { hgrmFiles, latencyLines, writeHgrm } from './summary.ts';

type Latency = Repetition['pairs'][0]['latency'];

/** Only what the summary looks at. */
const repetition = (latency: Latency) => ({ pairs: [{ latency }] }) as Repetition;

const all = (count: number, ns: number) => encodedHistogram(new Float64Array(count).fill(ns));
const sampled = {
  every: 64,
  clock: 'libc' as const,
  clockNs: 39.6,
  roundTrip: all(1000, 5200),
  kickToWake: all(9, 700),
  callToWake: null,
};

test('latency summary: none where it was not asked for', () => {
  assert.deepEqual(latencyLines([]), []);
  assert.deepEqual(latencyLines([repetition(null), repetition(null)]), []);
});

test('latency summary: a line a kind that has samples, no percentile of too few', () => {
  assert.deepEqual(latencyLines([repetition(sampled)]), [
    '  latency, µs                 p50        p90        p99      p99.9     p99.99        max    samples',
    '  round trip                  5.2        5.2        5.2        5.2          –        5.2      1,000',
    '  kick to wake                0.7          –          –          –          –        0.7          9',
    '                        one of 64 transfers; a look at the clock (libc) takes 40 ns',
  ]);
});

test('latency summary: repetitions are added, and the worst clock counts', () => {
  const other: Latency = { ...sampled, clockNs: 80, roundTrip: all(9000, 9000), callToWake: all(2, 1000) };
  const lines = latencyLines([repetition(sampled), repetition(null), repetition(other)]);
  assert.match(lines[1]!, /round trip +9\.0 +9\.0 +9\.0 +9\.0 +9\.0 +9\.0 +10,000$/);
  assert.match(lines[2]!, /kick to wake .* 18$/);
  assert.match(lines[3]!, /call to wake +1\.0 .* 2$/);
  assert.match(lines[4]!, /takes 80 ns/);
});

test('latency summary: one file for each kind that has samples, its folder made', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
  try {
    const prefix = join(folder, 'new', 'run');
    assert.deepEqual(writeHgrm(prefix, [repetition(null)]), []);
    const files = writeHgrm(prefix, [repetition(sampled)]);
    assert.deepEqual(files, [`${prefix}.round-trip.hgrm`, `${prefix}.kick-to-wake.hgrm`]);
    assert.deepEqual(readdirSync(join(folder, 'new')).sort(), ['run.kick-to-wake.hgrm', 'run.round-trip.hgrm']);
    assert.match(readFileSync(files[0]!, 'utf8'), /Total count += +1000/);
    assert.deepEqual(hgrmFiles('x'), ['x.round-trip.hgrm', 'x.kick-to-wake.hgrm', 'x.call-to-wake.hgrm']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
