import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Repetition, SideRecord } from '../records/record.ts';
import { parseRunOptions } from './options.ts';
import { originalLines, summaryLines } from './report.ts';
import { warningsOf } from './warnings.ts';

const side: SideRecord = {
  cpu: 0,
  pinned: true,
  unpinnedReason: null,
  nice: 0,
  notified: 156_357,
  suppressed: 5,
  wakeSyscalls: 3,
  pinged: 156_251,
  spurious: 0,
  spins: 0,
  spinUs: 0,
  looks: 0,
  lookUs: 0,
  asleepNs: 1,
  cpuNs: 1_700_000_000,
  voluntarySwitches: 1,
  involuntarySwitches: 1,
  gcCount: 0,
  compiledBytes: 0,
};

const repetition: Repetition = {
  wallNs: 4_518_123_456,
  cpuUserNs: 3_536_400_000,
  cpuSystemNs: 535_600_000,
  transfersPerSecond: 2_213_000,
  tenths: [],
  crossCpuNs: [100, 110],
  crossedBy: 'wasm',
  load: 0.1,
  stealNs: 0,
  otherCpuNs: 0,
  stoodStillNs: 0,
  peakRssBytes: 91_000_000,
  pairs: [
    {
      guest: side,
      host: { ...side, cpu: 3, notified: 7 },
      lostWakeups: 0,
      verifiedTransfers: 10_000_000,
      wallNs: 4_518_123_456,
      transfersPerSecond: 2_213_000,
      warmUp: null,
      latency: null,
    },
  ],
};

const { config } = parseRunOptions(['--parallel']);

test("report: the original's lines, to the letter", () => {
  assert.deepEqual(originalLines(repetition), [
    'Using CPUS 0 and 3',
    'Guest: notified 156357, pinged 156251',
    'Host: notified 7, pinged 156251',
    'Time: R=4.518 U=3.536 S=0.536',
  ]);
});

test('report: of several pairs each has its lines and its speed, and shares are of all their transfers', () => {
  const [first] = repetition.pairs;
  const second = {
    ...first!,
    guest: { ...side, cpu: 1, notified: 0 },
    host: { ...side, cpu: 2 },
    transfersPerSecond: 4e6,
  };
  const two = { ...repetition, transfersPerSecond: 5e6, pairs: [first!, second] };
  assert.deepEqual(
    originalLines(two).map((line) => line.split(/[ :]/)[0]),
    ['Using', 'Guest', 'Host', 'Using', 'Guest', 'Host', 'Time'],
  );
  const ofTwo = parseRunOptions(['--parallel', '--pairs', '2', '--pairs-in', 'process']).config;
  const lines = summaryLines(ofTwo, [two], null).join('\n');
  assert.match(lines, /10,000,000 × 2 pairs × 1, every one verified/);
  assert.match(lines, /throughput +5\.000 M\/s/);
  assert.match(lines, /each pair +3\.107 \(2\.213 – 4\.000\) M\/s, added up 6\.213 M\/s, in processes of their own/);
  assert.match(lines, /notified +guest 0\.78 %, host 0\.78 % of transfers/);
  assert.match(lines, /CPU time +guest 170\.0 ns, host 170\.0 ns a transfer/);
  assert.deepEqual(warningsOf(ofTwo, [two], 2), []);
  assert.deepEqual(warningsOf({ ...ofTwo, rate: 2_500_000 }, [two], 2), []);
  const shared = { ...two, pairs: [first!, { ...second, host: { ...side, cpu: 3 } }] };
  assert.match(warningsOf(ofTwo, [shared], 2).join(), /^pairs shared CPU 3: /);
});

test('report: unpinned is said with its reason', () => {
  const guest = { ...side, cpu: null, pinned: false, unpinnedReason: 'no /proc here' };
  const unpinned = { ...repetition, pairs: [{ ...repetition.pairs[0]!, guest }] };
  assert.equal(originalLines(unpinned)[0], 'Using CPUS unpinned: no /proc here');
});

test('report: figures of several repetitions stand with their spread', () => {
  const lines = summaryLines(config, [repetition, { ...repetition, transfersPerSecond: 4_000_000 }], null).join('\n');
  assert.match(lines, /10,000,000 × 2, every one verified/);
  assert.match(lines, /throughput +3\.107 \(2\.213 – 4\.000\) M\/s/);
  assert.match(lines, /notified +guest 1\.56 % .*host 0\.00 %/);
  const alone = summaryLines(config, [repetition], { guestNs: 38.94, hostNs: 3.1, repetitions: [] }).join('\n');
  assert.match(alone, /harness alone +guest 38\.9 ns, host 3\.1 ns of it/);
  const repetitions = [20, 30, 22].map((guestNs) => ({ guestNs, hostNs: 10 }));
  const several = summaryLines(config, [repetition], { guestNs: 22, hostNs: 10, repetitions }).join('\n');
  assert.match(several, /harness alone +guest 22\.0 \(20\.0 – 30\.0\) ns, host 10\.0 \(10\.0 – 10\.0\) ns of it/);
});

test('report: what was run is said in one line, also where nothing was measured', () => {
  const CONFIGURATION =
    '  configuration        engine wasm, ordering wasm, doorbell adaptive, ring-size 256, layout split, host vringh';
  assert.equal(summaryLines(config, [repetition], null)[0], CONFIGURATION);
  assert.deepEqual(summaryLines(config, [], null), [CONFIGURATION]);
});

test('report: what the kernel does not tell is not made up', () => {
  const unknown = { ...side, cpuNs: null };
  const pairs = [{ ...repetition.pairs[0]!, guest: unknown, host: unknown }];
  const lines = summaryLines(config, [{ ...repetition, pairs }], null);
  assert.match(lines.join('\n'), /CPU time +guest unknown here, host unknown here/);
});

const doubts: [what: string, change: Partial<Repetition>, message: RegExp][] = [
  ['two modes of crossing', { crossCpuNs: [100, 151] }, /changed from 100 to 151 ns/],
  ['other programs', { otherCpuNs: 1_000_000_000 }, /other programs took 11 % of the CPUs' time/],
  ['steal', { stealNs: 1e9 }, /took 11 % of the CPUs' time/],
  ['collections', { pairs: [{ ...repetition.pairs[0]!, host: { ...side, gcCount: 1 } }] }, /garbage was collected/],
  ['a lost wake-up', { pairs: [{ ...repetition.pairs[0]!, lostWakeups: 1 }] }, /^1 wake-up was lost$/],
  ['lost wake-ups', { pairs: [{ ...repetition.pairs[0]!, lostWakeups: 2000 }] }, /^2,000 wake-ups were lost$/],
];
for (const [what, change, message] of doubts)
  test(`report: ${what} is a warning`, () => {
    assert.deepEqual(warningsOf(config, [repetition], 2), []);
    const lines = warningsOf(config, [{ ...repetition, ...change }], 2);
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, message);
  });

const harmless: [what: string, change: Partial<Repetition>][] = [
  ['a twentieth of the CPUs for others', { otherCpuNs: 0.049 * 2 * repetition.wallNs }],
  ['a hundredth of them for the hypervisor', { stealNs: 0.0099 * 2 * repetition.wallNs }],
  ['a few ticks of a short window', { wallNs: 100_000_000, otherCpuNs: 49_000_000 }],
  ['what the kernel does not tell', { otherCpuNs: null, stealNs: null }],
];
for (const [what, change] of harmless)
  test(`report: ${what} is none`, () => assert.deepEqual(warningsOf(config, [{ ...repetition, ...change }], 2), []));

test('report: of several repetitions the one that was disturbed most is told', () => {
  const disturbed = [1, 3, 2].map((seconds) => ({ ...repetition, otherCpuNs: seconds * 1e9, stealNs: seconds * 1e8 }));
  assert.deepEqual(warningsOf(config, [repetition, ...disturbed], 2), [
    "other programs took 33 % of the CPUs' time",
    "the hypervisor took 3 % of the CPUs' time",
  ]);
});

test('report: nothing measured, nothing to warn of; an unsound ordering always is', () => {
  assert.deepEqual(warningsOf(config, [], 2), []);
  assert.match(warningsOf({ ...config, orderingSound: false }, [], 2)[0]!, /not guaranteed by the language/);
});

test('report: a rate that was not held is a warning, one that was held nearly is not', () => {
  const { transfersPerSecond } = repetition;
  const lines = warningsOf({ ...config, rate: 3_000_000 }, [repetition, { ...repetition, transfersPerSecond: 3e6 }], 2);
  assert.deepEqual(lines, [`the rate was not held: ${transfersPerSecond} of 3000000 transfers a second`]);
  assert.deepEqual(warningsOf({ ...config, rate: transfersPerSecond + 10_000 }, [repetition], 2), []);
});
