/**
 * Our block backend beside qemu-storage-daemon, both driven by our own driver on equal disks in the page cache: the
 * repetitions take turns in a random order, and each ratio is of two that ran one after the other.
 */
import { randomBytes } from 'node:crypto';
import { copyFileSync, writeFileSync } from 'node:fs';
import { median } from '../../../bench/statistics/sample.ts';
import { drive } from '../drive.ts';
import { type BlockBackend, ourBlock, storageDaemon } from '../programs.ts';
import { type Figures, hashOfFile, type Scenario, type Settings } from '../scenario.ts';
import type { Scope } from '../scope.ts';
import { MIB } from './block.ts';

const DISK_MIB = 256;
const SIDES = ['ours', 'theirs'] as const;
type Side = (typeof SIDES)[number];

const JOBS = {
  'randread 4k': ['--job', 'randread', '--block-size', '4k', '--depth', '32'],
  'read 128k': ['--job', 'read', '--block-size', '128k', '--depth', '32'],
};

async function startSides(scope: Scope, program: string): Promise<Record<Side, string>> {
  const backends: Record<Side, BlockBackend> = { ours: ourBlock(program), theirs: storageDaemon };
  const first = scope.path('disk-ours');
  writeFileSync(first, randomBytes(DISK_MIB * MIB));
  copyFileSync(first, scope.path('disk-theirs'));
  const sockets: Record<Side, string> = { ours: scope.path('ours.sock'), theirs: scope.path('theirs.sock') };
  for (const side of SIDES) {
    const image = scope.path(`disk-${side}`);
    // Reads it whole: into the page cache.
    await hashOfFile(image);
    await backends[side].start(scope, { socket: sockets[side], image });
  }
  return sockets;
}

const spread = (values: readonly number[], digits: number) =>
  `${median([...values]).toFixed(digits)} (${Math.min(...values).toFixed(digits)} – ${Math.max(...values).toFixed(digits)})`;

async function run(scope: Scope, { program, rounds, seconds }: Settings): Promise<Figures> {
  const sockets = await startSides(scope, program);
  const figures: Figures = {};
  for (const [name, args] of Object.entries(JOBS)) {
    const kiops: Record<Side, number[]> = { ours: [], theirs: [] };
    for (let round = 0; round < rounds; round++)
      for (const side of Math.random() < 0.5 ? SIDES : SIDES.toReversed()) {
        const { iops } = await drive(scope, program, sockets[side], [...args, '--seconds', String(seconds)]);
        kiops[side].push(iops / 1000);
      }
    const ratios = kiops.ours.map((speed, round) => speed / kiops.theirs[round]!);
    figures[`${name}: ratio`] = spread(ratios, 2);
    figures[`${name}: ours kIOPS`] = spread(kiops.ours, 1);
    figures[`${name}: theirs kIOPS`] = spread(kiops.theirs, 1);
  }
  return figures;
}

export const speed: Scenario = {
  summary: 'our block backend beside qemu-storage-daemon: 4 KiB random and 128 KiB sequential reads, ratios',
  onDemand: true,
  run,
};
