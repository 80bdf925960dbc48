/** Every scenario by name: what is tested, and after the colon whose side of it is not the guest's. */
import { ourBlock, storageDaemon } from '../programs.ts';
import type { Scenario } from '../scenario.ts';
import { block } from './block.ts';
import { blockRestart } from './block-restart.ts';
import { entropyOfQemu, entropyOurs } from './entropy.ts';
import { netOfQemu, netOurs } from './net.ts';
import { packetsOfTestpmd, packetsOurs } from './packets.ts';

const DAEMON = 'qemu-storage-daemon';

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'blk:qsd': block(() => storageDaemon, DAEMON),
  'blk:ours': block(({ program }) => ourBlock(program), 'our block backend'),
  'blk-restart:qsd': blockRestart(() => storageDaemon, DAEMON),
  'blk-restart:ours': blockRestart(({ program }) => ourBlock(program), 'our block backend'),
  'rng:qemu': entropyOfQemu,
  'rng:ours': entropyOurs,
  'net:qemu': netOfQemu,
  'net:ours': netOurs,
  'packets:testpmd': packetsOfTestpmd,
  'packets:ours': packetsOurs,
};
