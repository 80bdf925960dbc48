/** One queue of the measured loop: its driver, and of each slot when it was sent and what for. */
import { BlockDriver } from '../../src/drivers/block.ts';
import { SECTOR_SIZE } from '../../src/formats/block.ts';
import type { VhostUserDevice } from '../../src/vhost-user/frontend/frontend-device.ts';
import type { DriveConfig } from '../records/drive-record.ts';
import { fillPattern } from './pattern.ts';

/** Where a queue's slots start, bytes: at a page. */
const ALIGN = 4096;

export interface Lane {
  readonly index: number;
  readonly driver: BlockDriver;
  readonly begins: Float64Array;
  readonly sectors: Float64Array;
  /** Goes on in the event loop's next turn. */
  readonly resume: () => void;
}

/** Every slot holds bytes of its own, so that a write that goes astray is seen. */
export function openLane(
  { queues, memory, features, config: space }: VhostUserDevice,
  index: number,
  { depth, blockSizeBytes, seed }: DriveConfig,
  turn: (lane: Lane) => void,
): Lane {
  const driver = new BlockDriver({
    queue: queues[index]!.queue,
    region: memory.region,
    offset: memory.allocate(BlockDriver.bytesFor(depth, blockSizeBytes), ALIGN),
    depth,
    slotBytes: blockSizeBytes,
    features,
    config: space,
  });
  const sectorsPerBlock = blockSizeBytes / SECTOR_SIZE;
  for (let slot = 0; slot < depth; slot++)
    fillPattern(memory.region.i32, driver.dataOffset(slot) >> 2, seed, slot, sectorsPerBlock);
  const lane: Lane = {
    index,
    driver,
    begins: new Float64Array(depth).fill(0),
    sectors: new Float64Array(depth).fill(0),
    resume: () => turn(lane),
  };
  return lane;
}
