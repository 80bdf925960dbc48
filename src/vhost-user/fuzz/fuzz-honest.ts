/**
 * The honest frontend that is served between fuzzed ones: it has each kind of device do its work once, and compares
 * the bytes. On the server's own event loop.
 */
import { setImmediate as loopTurn } from 'node:timers/promises';
import { EMPTY } from '../../guest/queue.ts';
import { ScatterList } from '../../guest/scatter-list.ts';
import { connectUnix } from '../../native/unix-socket.ts';
import { VIRTIO_F_VERSION_1 } from '../../ring/constants.ts';
import { FrontendMemory } from '../frontend/frontend-memory.ts';
import { FrontendQueue } from '../frontend/frontend-queue.ts';
import { FrontendSession } from '../frontend/frontend-session.ts';
import { VHOST_USER_PROTOCOL_F_REPLY_ACK } from '../messages/protocol.ts';
import { SocketChannel } from '../messages/socket-channel.ts';
import type { FuzzedDevice } from './fuzz-actions.ts';

const MEMORY_BYTES = 2 ** 20;
export const RING_SIZE = 32;
export const BUFFER_BYTES = 2048;
const WAIT_MS = 10_000;

/** Of the requests below: block's header and status, net's header. */
const BLOCK_IN = 0;
const BLOCK_OUT = 1;
const BLOCK_HEADER_BYTES = 16;
const SECTOR_BYTES = 512;
export const NET_HEADER_BYTES = 12;
const FRAME_BYTES = 64;
const RANDOM_BYTES = 64;

export class Honest {
  readonly memory = new FrontendMemory(MEMORY_BYTES);
  readonly queues: FrontendQueue[] = [];
  readonly session: FrontendSession;
  private readonly scatter = new ScatterList(4);

  constructor(path: string) {
    this.session = new FrontendSession(new SocketChannel(connectUnix(path)), { timeoutMs: WAIT_MS });
  }

  async start(queueCount: number): Promise<void> {
    const { session, memory } = this;
    const features = 1n << BigInt(VIRTIO_F_VERSION_1);
    await session.negotiate({ features, protocolFeatures: 1n << BigInt(VHOST_USER_PROTOCOL_F_REPLY_ACK) });
    await session.setMemory([memory.describe()]);
    for (let index = 0; index < queueCount; index++) {
      const queue = new FrontendQueue({ index, size: RING_SIZE, indirectLength: 0, memory }, features);
      this.queues.push(queue);
      await session.startQueue(queue.describe(0));
    }
  }

  /** Bytes of guest memory that start with `bytes`: where they are. */
  put(sizeBytes: number, bytes: Uint8Array = new Uint8Array(0)): number {
    const offset = this.memory.allocate(sizeBytes);
    this.memory.region.u8.set(bytes, offset);
    return offset;
  }

  bytes(offset: number, length: number): Uint8Array {
    return this.memory.region.u8.slice(offset, offset + length);
  }

  /** Offers readable pieces, then writable ones, each [offset, length], and kicks. */
  offer(index: number, token: number, out: readonly [number, number][], into: readonly [number, number][]): void {
    const { region } = this.memory;
    const { queue } = this.queues[index]!;
    this.scatter.reset();
    for (const [offset, length] of out) this.scatter.addOut(region, offset, length);
    for (const [offset, length] of into) this.scatter.addIn(region, offset, length);
    if (!queue.add(this.scatter, token)) throw new Error('no room in the ring of an honest frontend');
    queue.kick();
  }

  /** The token of the next finished request, or EMPTY. */
  taken(index: number): { token: number; length: number } {
    const { queue } = this.queues[index]!;
    const token = queue.getBuf();
    return { token, length: token === EMPTY ? 0 : queue.claimedLength };
  }

  async finished(index: number): Promise<number> {
    let taken = this.taken(index);
    await within(() => {
      if (taken.token === EMPTY) taken = this.taken(index);
      return taken.token !== EMPTY;
    }, `an answer on queue ${index}`);
    return taken.length;
  }

  close(): void {
    this.session.close();
    for (const queue of this.queues) queue.close();
    this.memory.close();
  }
}

export async function within(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await loopTurn();
  }
}

/** Another one each time: what an earlier frontend sent is not taken for it. */
let lastPattern = 0;

export function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(0xa5);
  new DataView(bytes.buffer).setUint32(0, ++lastPattern);
  return bytes;
}

function check(actual: Uint8Array, expected: Uint8Array, what: string): void {
  if (!Buffer.from(actual).equals(expected)) throw new Error(`${what}: ${Buffer.from(actual).toString('hex')}`);
}

/** Writes on one queue what it reads on the other. */
async function block(honest: Honest): Promise<void> {
  await honest.start(2);
  const data = pattern(SECTOR_BYTES);
  for (const [queue, type] of [BLOCK_OUT, BLOCK_IN].entries()) {
    const header = honest.put(BLOCK_HEADER_BYTES, Uint8Array.of(type, 0, 0, 0, 0, 0, 0, 0, 1));
    const sector = honest.put(SECTOR_BYTES, type === BLOCK_OUT ? data : undefined);
    const status = honest.put(1, Uint8Array.of(0xff));
    const [read, written]: [number, number][] = [
      [header, BLOCK_HEADER_BYTES],
      [sector, SECTOR_BYTES],
    ];
    if (type === BLOCK_OUT) honest.offer(queue, 0, [read!, written!], [[status, 1]]);
    else honest.offer(queue, 0, [read!], [written!, [status, 1]]);
    await honest.finished(queue);
    check(honest.bytes(status, 1), Uint8Array.of(0), 'a request’s status');
    check(honest.bytes(sector, SECTOR_BYTES), data, 'a sector');
  }
}

async function entropy(honest: Honest): Promise<void> {
  await honest.start(1);
  const room = honest.put(RANDOM_BYTES);
  honest.offer(0, 0, [], [[room, RANDOM_BYTES]]);
  const length = await honest.finished(0);
  if (length !== RANDOM_BYTES) throw new Error(`${length} random bytes of ${RANDOM_BYTES}`);
}

/** Sends on queue 1 and receives on queue 0 until it is there, behind what earlier frontends have left. */
async function loopedBack(honest: Honest, sent: Uint8Array): Promise<void> {
  await honest.start(2);
  const buffers = Array.from({ length: RING_SIZE }, () => honest.put(BUFFER_BYTES));
  const offer = (token: number) => honest.offer(0, token, [], [[buffers[token]!, BUFFER_BYTES]]);
  for (const token of buffers.keys()) offer(token);
  honest.offer(1, 0, [[honest.put(sent.length, sent), sent.length]], []);
  const needle = Buffer.from(sent.subarray(-FRAME_BYTES));
  let received = Buffer.alloc(0);
  await within(() => {
    for (let taken = honest.taken(0); taken.token !== EMPTY; taken = honest.taken(0)) {
      received = Buffer.concat([received.subarray(-BUFFER_BYTES), honest.bytes(buffers[taken.token]!, taken.length)]);
      if (received.includes(needle)) return true;
      offer(taken.token);
    }
    return false;
  }, 'what was sent to come back');
}

const WORK: Record<FuzzedDevice, (honest: Honest) => Promise<void>> = {
  block,
  'block in threads': block,
  entropy,
  net: (honest) => loopedBack(honest, Uint8Array.of(...new Uint8Array(NET_HEADER_BYTES), ...pattern(FRAME_BYTES))),
  console: (honest) => loopedBack(honest, pattern(FRAME_BYTES)),
};

/** From the connection to its end. @throws Error if a device of this kind does not do what it is for */
export async function serveHonestly(path: string, kind: FuzzedDevice): Promise<void> {
  const honest = new Honest(path);
  try {
    await WORK[kind](honest);
  } finally {
    honest.close();
  }
}
