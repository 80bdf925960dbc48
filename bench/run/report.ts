/** What a person reads: the original program's lines to the letter, then this program's own figures. Main thread. */

import { LAYOUTS } from '../axes/layouts.ts';
import { grouped } from '../command-line/columns.ts';
import { latencyLines } from '../latency/summary.ts';
import type { Harness, Repetition, RunConfig } from '../records/record.ts';
import { helperCpuNs, type PairRecord, sumOfSide } from '../records/sums.ts';
import { greatest, least, median } from '../statistics/sample.ts';
import { configurationLine } from './configuration-line.ts';

const seconds = (ns: number) => (ns / 1e9).toFixed(3);

/** The original's lines for one repetition, with the CPUs really used: three a pair, then the time of all. */
export function originalLines({ pairs, wallNs, cpuUserNs, cpuSystemNs }: Repetition): string[] {
  const ofPair = ({ guest, host }: PairRecord) => {
    const reason = guest.unpinnedReason ?? host.unpinnedReason;
    return [
      reason === null ? `Using CPUS ${guest.cpu} and ${host.cpu}` : `Using CPUS unpinned: ${reason}`,
      `Guest: notified ${guest.notified}, pinged ${guest.pinged}`,
      `Host: notified ${host.notified}, pinged ${host.pinged}`,
    ];
  };
  return [...pairs.flatMap(ofPair), `Time: R=${seconds(wallNs)} U=${seconds(cpuUserNs)} S=${seconds(cpuSystemNs)}`];
}

/** `median (min – max)`, or the one value there is. */
export function spread(values: readonly number[], show: (value: number) => string): string {
  const middle = show(median(values));
  return values.length === 1 ? middle : `${middle} (${show(least(values))} – ${show(greatest(values))})`;
}

/** One of our figures, under the others. */
export const row = (name: string, text: string) => `  ${name.padEnd(20)} ${text}`;

/** What was run and our figures over all repetitions, with their spread; of none what was to be run. */
export function summaryLines(config: RunConfig, repetitions: readonly Repetition[], harness: Harness): string[] {
  const configuration = row('configuration', configurationLine(config));
  if (repetitions.length === 0) return [configuration];
  const { pairs } = config;
  const transfers = config.transfers * pairs;
  const over = (figure: (repetition: Repetition) => number | null, show: (value: number) => string) => {
    const values = repetitions.map(figure).filter((value) => value !== null);
    return values.length === 0 ? 'unknown here' : spread(values, show);
  };
  type Figure = Parameters<typeof sumOfSide>[2];
  const both = (figure: Figure, show: (value: number) => string) => {
    const [guest, host] = (['guest', 'host'] as const).map((side) => over((r) => sumOfSide(r, side, figure), show));
    return `guest ${guest}, host ${host}`;
  };
  const ofTransfers = (count: number) => `${((100 * count) / transfers).toFixed(2)} %`;
  const perTransfer = (ns: number) => `${(ns / transfers).toFixed(1)} ns`;
  const looked = repetitions.some(({ pairs }) =>
    pairs.some(({ guest, host }) => [guest, host].some((s) => s.spins + s.looks > 0)),
  );
  const asleep = (side: 'guest' | 'host') =>
    over(
      (r) => {
        const share = sumOfSide(r, side, ({ asleepNs }, { wallNs }) => asleepNs && asleepNs / (wallNs ?? r.wallNs));
        return share && share / pairs;
      },
      (share) => `${(100 * share).toFixed(1)} %`,
    );
  const verified = !LAYOUTS[config.layout].carries
    ? `nothing carried, nothing verified (--layout ${config.layout})`
    : config.fastVringh
      ? 'order and lengths checked, contents not (--fast-vringh)'
      : 'every one verified';
  const crossings = repetitions.flatMap(({ crossCpuNs }) => crossCpuNs.filter((value) => value !== null));

  return [
    configuration,
    row(
      'transfers',
      `${grouped(config.transfers)}${pairs === 1 ? '' : ` × ${pairs} pairs`} × ${repetitions.length}, ${verified}`,
    ),
    ...warmUpRows(repetitions),
    row(
      'throughput',
      `${over(
        (r) => r.transfersPerSecond / 1e6,
        (v) => v.toFixed(3),
      )} M/s`,
    ),
    ...pairRows(config, repetitions),
    row('notified', `${both((s) => s.notified, ofTransfers)} of transfers`),
    row('woken by syscall', `${both((s) => s.wakeSyscalls, ofTransfers)} of transfers`),
    row(
      'pinged for nothing',
      both((s) => s.spurious, grouped),
    ),
    row('looked in vain', looked ? both((s) => s.spins + s.looks, grouped) : 'never'),
    row('asleep', `guest ${asleep('guest')}, host ${asleep('host')} of the window`),
    row('CPU time', `${both((s) => s.cpuNs, perTransfer)} a transfer`),
    row('helper threads', `${over(helperCpuNs, perTransfer)} a transfer (compiler, collector, main thread)`),
    ...harnessRows(harness),
    row(
      'collections',
      both((s) => s.gcCount, grouped),
    ),
    row('compiled', `${both((s) => s.compiledBytes, grouped)} bytes of code in the window`),
    ...(crossings.length === 0 ? [] : [row('CPU to CPU and back', `${spread(crossings, (v) => v.toFixed(0))} ns`)]),
    row(
      'peak memory',
      `${over(
        (r) => r.peakRssBytes / 1e6,
        (v) => v.toFixed(0),
      )} MB`,
    ),
    ...latencyLines(repetitions),
  ];
}

/** What the loops cost with no ring between them. */
function harnessRows(harness: Harness): string[] {
  if (harness === null) return [];
  const { repetitions } = harness;
  const of = (side: 'guestNs' | 'hostNs') => {
    const each = repetitions.map((repetition) => repetition[side]);
    return spread(each.length === 0 ? [harness[side]] : each, (ns) => ns.toFixed(1));
  };
  return [row('harness alone', `guest ${of('guestNs')} ns, host ${of('hostNs')} ns of it (layout null)`)];
}

/** How long it took until the window began, of all pairs. */
function warmUpRows(repetitions: readonly Repetition[]): string[] {
  const warmUps = repetitions.flatMap(({ pairs }) => pairs.map(({ warmUp }) => warmUp).filter((one) => one !== null));
  if (warmUps.length === 0) return [];
  const transfers = spread(
    warmUps.map((warmUp) => warmUp.transfers),
    (value) => grouped(Math.round(value)),
  );
  const times = warmUps.map(({ wallNs }) => wallNs / 1e9);
  return [row('warm-up', `${transfers} transfers before them, in ${spread(times, (s) => s.toFixed(2))} s`)];
}

/** Of several pairs: what each had in its own window, and what that adds up to. */
function pairRows({ pairs, pairsIn }: RunConfig, repetitions: readonly Repetition[]): string[] {
  if (pairs === 1) return [];
  const speeds = repetitions.map((r) => r.pairs.map((pair) => (pair.transfersPerSecond ?? 0) / 1e6));
  const sums = speeds.map((of) => of.reduce((sum, speed) => sum + speed, 0));
  const mega = (speed: number) => speed.toFixed(3);
  const where = pairsIn === 'thread' ? 'in threads of one process' : 'in processes of their own';
  return [row('each pair', `${spread(speeds.flat(), mega)} M/s, added up ${spread(sums, mega)} M/s, ${where}`)];
}
