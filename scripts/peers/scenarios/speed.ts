/**
 * Our block backend beside qemu-storage-daemon, both driven by our own driver on equal disks in the page cache: the
 * repetitions take turns in a random order, and each ratio is of two of the same round.
 */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { shuffle } from '../../../bench/statistics/random.ts';
import { greatest, least, median } from '../../../bench/statistics/sample.ts';
import { drive } from '../drive.ts';
import { ourBlock, storageDaemon, storageDaemonTuned } from '../programs.ts';
import type { Figures, Scenario, Settings } from '../scenario.ts';
import type { Scope } from '../scope.ts';
import { MIB } from './block.ts';

const DISK_MIB = 256;

const SIDES = {
  ours: ourBlock,
  daemon: () => storageDaemon,
  'daemon tuned': () => storageDaemonTuned,
};
type Side = keyof typeof SIDES;
const NAMES = Object.keys(SIDES) as Side[];

const JOBS = {
  'randread 4k': ['--job', 'randread', '--block-size', '4k', '--depth', '32'],
  'read 128k': ['--job', 'read', '--block-size', '128k', '--depth', '32'],
};

/** Starts every side on a disk of its own; they stay, and are idle while another is driven. */
async function startSides(scope: Scope, settings: Settings): Promise<Record<Side, string>> {
  const bytes = randomBytes(DISK_MIB * MIB);
  const sockets = Object.fromEntries(NAMES.map((side, i) => [side, scope.path(`${i}.sock`)])) as Record<Side, string>;
  for (const side of NAMES) {
    const image = scope.path(`disk of ${side}`);
    writeFileSync(image, bytes);
    await SIDES[side](settings).start(scope, { socket: sockets[side], image });
  }
  return sockets;
}

const spread = (values: readonly number[], digits: number) =>
  `${median(values).toFixed(digits)} (${least(values).toFixed(digits)} – ${greatest(values).toFixed(digits)})`;

async function run(scope: Scope, settings: Settings): Promise<Figures> {
  const { program, rounds, seconds } = settings;
  const sockets = await startSides(scope, settings);
  const figures: Figures = {};
  for (const [job, args] of Object.entries(JOBS)) {
    const speeds = Object.fromEntries(NAMES.map((side) => [side, [] as number[]])) as Record<Side, number[]>;
    for (let round = 0; round < rounds; round++) {
      const order = [...NAMES];
      shuffle(order, 0, order.length, Math.random);
      for (const side of order) {
        const { iops } = await drive(scope, program, sockets[side], [...args, '--seconds', String(seconds)]);
        speeds[side].push(iops / 1000);
      }
    }
    for (const side of NAMES) {
      figures[`${job}: ${side}, kIOPS`] = spread(speeds[side], 1);
      if (side === 'ours') continue;
      const ratios = speeds.ours.map((speed, round) => speed / speeds[side][round]!);
      figures[`${job}: ours / ${side}`] = spread(ratios, 2);
    }
  }
  return figures;
}

export const speed: Scenario = {
  summary: 'our block backend beside qemu-storage-daemon: 4 KiB random and 128 KiB sequential reads, ratios',
  onDemand: true,
  run,
};
