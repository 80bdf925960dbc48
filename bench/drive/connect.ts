/**
 * From the command line to a connected disk that can do what is asked: what only the disk knows is checked here, and
 * rings are made long enough for requests that its limits cut into many elements. Main thread.
 */
import { statSync } from 'node:fs';
import { BlockDriver } from '../../src/drivers/block.ts';
import {
  BLOCK_CONFIG_SIZE,
  type BlockConfig,
  BlockConfigError,
  readBlockConfig,
} from '../../src/drivers/block-config.ts';
import {
  VIRTIO_BLK_F_BLK_SIZE,
  VIRTIO_BLK_F_FLUSH,
  VIRTIO_BLK_F_MQ,
  VIRTIO_BLK_F_RO,
  VIRTIO_BLK_F_SEG_MAX,
  VIRTIO_BLK_F_SIZE_MAX,
} from '../../src/formats/block.ts';
import {
  VIRTIO_F_VERSION_1,
  VIRTIO_RING_F_EVENT_IDX,
  VIRTIO_RING_F_INDIRECT_DESC,
  VRING_SIZE_MAX,
} from '../../src/ring/constants.ts';
import { featureWord, hasFeature } from '../../src/ring/feature-word.ts';
import { VhostUserDevice } from '../../src/vhost-user/frontend/frontend-device.ts';
import { ProtocolError } from '../../src/vhost-user/messages/errors.ts';
import { UsageError } from '../command-line/option-values.ts';
import type { DriveConfig } from '../records/drive-record.ts';
import { differenceOf, OtherDiskError } from './failures.ts';
import { type DriveOptions, descriptorsFor, ringSizeFor } from './options.ts';

const PAGE_SIZE = 4096;

/** Descriptors of an indirect table that holds a request of a device without narrow limits. */
const TABLE_LENGTH = 4;

export interface Connected {
  readonly device: VhostUserDevice;
  readonly disk: BlockConfig;
  /** As on the command line, with what only the disk knows. */
  readonly config: DriveConfig;
}

interface Rings {
  readonly ringSize: number;
  readonly tableLength: number;
}

/**
 * Connects. A disk whose limits want longer rings than its driver knew of is connected to once more.
 * @throws UsageError where nothing listens, or what listens cannot do what is wanted; BlockConfigError; OtherDiskError;
 *   else what became of the connection
 */
export async function connectDisk(options: DriveOptions): Promise<Connected> {
  const first = await connectWith(options, { ringSize: options.config.ringSize, tableLength: TABLE_LENGTH });
  if (first.rings.ringSize === first.config.ringSize && first.rings.tableLength === TABLE_LENGTH) return first;
  first.device.close();
  const second = await connectWith(options, first.rings);
  const difference = differenceOf(first.disk, second.disk);
  if (difference === null) return second;
  second.device.close();
  throw new OtherDiskError(difference);
}

/** With the rings that its requests turn out to want. */
async function connectWith(options: DriveOptions, rings: Rings): Promise<Connected & { readonly rings: Rings }> {
  const device = await connect(options, rings);
  try {
    const disk = readBlockConfig(device.config, device.features);
    const config = { ...configFor(options, disk), ringSize: rings.ringSize };
    return { device, disk, config, rings: ringsFor(options, disk, device.features) };
  } catch (error) {
    device.close();
    throw error;
  }
}

async function connect({ socket, config }: DriveOptions, { ringSize, tableLength }: Rings): Promise<VhostUserDevice> {
  const { queues, depth, blockSizeBytes, indirect, eventidx, timeout } = config;
  const bits = [
    VIRTIO_F_VERSION_1,
    VIRTIO_BLK_F_SIZE_MAX,
    VIRTIO_BLK_F_SEG_MAX,
    VIRTIO_BLK_F_RO,
    VIRTIO_BLK_F_BLK_SIZE,
    VIRTIO_BLK_F_FLUSH,
    VIRTIO_BLK_F_MQ,
    ...(indirect ? [VIRTIO_RING_F_INDIRECT_DESC] : []),
    ...(eventidx ? [VIRTIO_RING_F_EVENT_IDX] : []),
  ];
  if (statSync(socket, { throwIfNoEntry: false })?.isSocket() === false)
    throw new UsageError(`--socket ${socket}: it exists and is no socket`);
  try {
    return await VhostUserDevice.connect({
      socketPath: socket,
      features: featureWord(...bits),
      queues,
      ringSize,
      indirectLength: tableLength,
      memoryBytes: queues * (BlockDriver.bytesFor(depth, blockSizeBytes) + PAGE_SIZE),
      configBytes: BLOCK_CONFIG_SIZE,
      timeoutMs: timeout * 1000,
      withinMs: config.reconnect ? timeout * 1000 : 0,
    });
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'queue-out-of-range')
      throw new UsageError(`--queues ${queues} is more than the backend has: ${error.value}`);
    if ((error as { syscall?: unknown }).syscall !== 'connect') throw error;
    // The call and its path, which the option has named already.
    const why = (error as Error).message.replace(`, connect (${socket})`, '');
    throw new UsageError(`--socket ${socket}: ${why}`);
  }
}

/** The configuration with what only the disk knows. @throws UsageError, BlockConfigError */
function configFor({ config }: DriveOptions, disk: BlockConfig): DriveConfig {
  const { job, offsetBytes, blockSizeBytes } = config;
  if (disk.sizeBytes === 0) throw new BlockConfigError('capacity', 0);
  const left = disk.sizeBytes - offsetBytes;
  if (left < blockSizeBytes)
    throw new UsageError(
      `--offset ${offsetBytes} leaves no block of ${blockSizeBytes} bytes of a disk of ${disk.sizeBytes} bytes`,
    );
  const sizeBytes = config.sizeBytes ?? Math.floor(left / blockSizeBytes) * blockSizeBytes;
  if (sizeBytes < blockSizeBytes || sizeBytes > left)
    throw new UsageError(
      `--offset ${offsetBytes} and --size ${sizeBytes} do not fit a disk of ${disk.sizeBytes} bytes in blocks of ${blockSizeBytes}`,
    );
  if (blockSizeBytes % disk.blockSizeBytes !== 0)
    throw new UsageError(`--block-size ${blockSizeBytes} is no multiple of the disk's: ${disk.blockSizeBytes}`);
  if (blockSizeBytes > disk.requestBytesMax)
    throw new UsageError(
      `--block-size ${blockSizeBytes} is more than the disk takes in a request: ` +
        `${disk.requestBytesMax} bytes, in ${disk.elementsMax} elements of ${disk.elementBytesMax} at most`,
    );
  if (disk.readOnly && job !== 'read' && job !== 'randread')
    throw new UsageError(`--job ${job} cannot be done: the disk is read-only`);
  return { ...config, sizeBytes };
}

/** What `depth` requests want at once, cut as the disk has it. @throws UsageError */
function ringsFor({ config, ringSizeGiven }: DriveOptions, disk: BlockConfig, features: bigint): Rings {
  const { depth, blockSizeBytes, ringSize } = config;
  const indirect = hasFeature(features, VIRTIO_RING_F_INDIRECT_DESC);
  const elements = BlockDriver.elementsFor(disk, blockSizeBytes);
  const needed = descriptorsFor(depth, indirect, elements);
  if (needed > (ringSizeGiven ? ringSize : VRING_SIZE_MAX))
    throw new UsageError(
      `${ringSizeGiven ? `--ring-size ${ringSize}` : `a ring of ${VRING_SIZE_MAX}`} has no room for --depth ${depth}: ` +
        `${needed} descriptors, ${elements} a request of --block-size ${blockSizeBytes}`,
    );
  return {
    ringSize: ringSizeGiven ? ringSize : Math.max(ringSize, ringSizeFor(needed)),
    tableLength: indirect ? Math.max(TABLE_LENGTH, elements) : TABLE_LENGTH,
  };
}
