/** Our driver on a block backend: every byte written and read back, deep queues, and the backend killed meanwhile. */
import { statSync, truncateSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { drive, startDrive } from '../drive.ts';
import { Failure } from '../failure.ts';
import type { BlockBackend } from '../programs.ts';
import type { Figures, Scenario, Settings } from '../scenario.ts';
import type { Scope } from '../scope.ts';
import { MIB } from './block.ts';

const DISK_MIB = 64;
const DEEP_REQUESTS = 20_000;
/** A job of some seconds, in blocks of 4 KiB. */
const RESTART_DISK_MIB = 1024;
const START_MS = 20_000;
const KILL_AFTER_MS = 400;
const KILLS_MAX = 6;

/** A disk of zeros. */
export function makeDisk(path: string, sizeMib: number): string {
  writeFileSync(path, '');
  truncateSync(path, sizeMib * MIB);
  return path;
}

async function run(scope: Scope, { program }: Settings, backend: BlockBackend): Promise<Figures> {
  const socket = scope.path('blk.sock');
  await backend.start(scope, { socket, image: makeDisk(scope.path('disk'), DISK_MIB), queues: 2 });
  for (const size of ['4k', '128k']) await drive(scope, program, socket, ['--job', 'verify', '--block-size', size]);
  const deep = ['--job', 'randread', '--depth', '128', '--requests', String(DEEP_REQUESTS)];
  const one = await drive(scope, program, socket, deep);
  const two = await drive(scope, program, socket, [...deep, '--queues', '2']);
  return {
    'verified MiB': `2 × ${DISK_MIB}`,
    'IOPS at depth 128': Math.round(one.iops),
    'on 2 queues': Math.round(two.iops),
  };
}

async function runRestart(scope: Scope, { program }: Settings, backend: BlockBackend): Promise<Figures> {
  const socket = scope.path('blk.sock');
  const at = { socket, image: makeDisk(scope.path('disk'), RESTART_DISK_MIB) };
  let server = await backend.start(scope, at);
  const job = await startDrive(scope, program, socket, ['--job', 'verify', '--reconnect']);
  // The file has blocks once it is written to.
  await job.until('writing', () => statSync(at.image).blocks > 0, START_MS);
  let kills = 0;
  for (; kills < KILLS_MAX; kills++) {
    await sleep(KILL_AFTER_MS * (0.5 + Math.random()));
    if (!job.running) break;
    await server.kill();
    server = await backend.start(scope, at);
  }
  const { reconnects } = await job.end();
  if (kills < 2 || reconnects < 2) throw new Failure(`${kills} kills and ${reconnects} reconnects show too little`);
  return { 'verified MiB': RESTART_DISK_MIB, kills, reconnects };
}

type BackendOf = (settings: Settings) => BlockBackend;

export const driven = (backendOf: BackendOf, whose: string): Scenario => ({
  summary: `our driver on ${whose}: ${DISK_MIB} MiB verified in small and large blocks, depth 128, 2 queues`,
  run: (scope, settings) => run(scope, settings, backendOf(settings)),
});

export const drivenRestart = (backendOf: BackendOf, whose: string): Scenario => ({
  summary: `${whose} killed and started again while our driver verifies ${RESTART_DISK_MIB} MiB`,
  run: (scope, settings) => runRestart(scope, settings, backendOf(settings)),
});
