/** Our block backend's own memory over many requests and several frontends, one after the other. */
import { drive } from '../drive.ts';
import { Failure } from '../failure.ts';
import { ourBlock } from '../programs.ts';
import type { Figures, Scenario, Settings } from '../scenario.ts';
import type { Scope } from '../scope.ts';
import { ownBytes } from '../status.ts';
import { MIB } from './block.ts';
import { makeDisk } from './drive.ts';

const DISK_MIB = 64;
const PARTS = 10;
const GROWTH_MAX_BYTES = 16 * MIB;

/** The first part warms the backend up; afterwards its own memory must not grow. */
async function run(scope: Scope, settings: Settings): Promise<Figures> {
  const { program, requests } = settings;
  const socket = scope.path('blk.sock');
  const image = makeDisk(scope.path('disk'), DISK_MIB);
  const server = await ourBlock(settings).start(scope, { socket, image });
  const own: number[] = [];
  for (let part = 0; part < PARTS; part++) {
    const count = String(Math.max(1, Math.round(requests / PARTS)));
    await drive(scope, program, socket, ['--job', 'randread', '--depth', '32', '--requests', count]);
    own.push(ownBytes(server.pid));
  }
  const mib = own.map((bytes) => (bytes / MIB).toFixed(1));
  const growth = own.at(-1)! - own[0]!;
  if (growth > GROWTH_MAX_BYTES) throw new Failure(`the backend's own memory grows, MiB: ${mib.join(' ')}`);
  return { requests, 'own MiB after a tenth': mib[0]!, 'after all': mib.at(-1)! };
}

export const memory: Scenario = {
  summary: "our block backend's memory stays flat over many requests (--requests)",
  onDemand: true,
  run,
};
