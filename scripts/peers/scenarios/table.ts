/** Every scenario by name: what is tested, and after the colon whose side of it is not the guest's. */
import { ourBlock, storageDaemon } from '../programs.ts';
import type { Scenario } from '../scenario.ts';
import { block } from './block.ts';
import { blockInflight, blockRestart } from './block-restart.ts';
import { driven, drivenRestart } from './drive.ts';
import { drivenNetOurs, drivenTestpmd } from './drive-net.ts';
import { entropyOfQemu, entropyOurs } from './entropy.ts';
import { memory } from './memory.ts';
import { netOfQemu, netOurs } from './net.ts';
import { packetsOfTestpmd, packetsOurs } from './packets.ts';
import { speed } from './speed.ts';

const DAEMON = 'qemu-storage-daemon';
const OURS = 'our block backend';
const daemon = () => storageDaemon;

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'blk:qsd': block(daemon, DAEMON),
  'blk:ours': block(ourBlock, OURS),
  'blk-restart:qsd': blockRestart(daemon, DAEMON),
  'blk-restart:ours': blockRestart(ourBlock, OURS),
  'blk-inflight:ours': blockInflight(ourBlock, OURS),
  'rng:qemu': entropyOfQemu,
  'rng:ours': entropyOurs,
  'net:qemu': netOfQemu,
  'net:ours': netOurs,
  'drive:qsd': driven(daemon, DAEMON),
  'drive:ours': driven(ourBlock, OURS),
  'drive-restart:qsd': drivenRestart(daemon, DAEMON),
  'drive-restart:ours': drivenRestart(ourBlock, OURS),
  'drive-net:testpmd': drivenTestpmd,
  'drive-net:ours': drivenNetOurs,
  'packets:testpmd': packetsOfTestpmd,
  'packets:ours': packetsOurs,
  speed,
  memory,
};
