/**
 * An honest frontend that interrupts its own queues at any moment, as a machine that migrates or grows does: what the
 * device takes is compared with what was sent, in order and to the byte, so that nothing is done twice and nothing is
 * lost. On the server's own event loop; all choices are the caller's generator's.
 */
import { setImmediate as loopTurn } from 'node:timers/promises';
import type { Random } from '../../fuzz/random.ts';
import { EMPTY } from '../../guest/queue.ts';
import type { FuzzedDevice } from './fuzz-actions.ts';
import { BUFFER_BYTES, Honest, NET_HEADER_BYTES, pattern, RING_SIZE, within } from './fuzz-honest.ts';

const RECEIVE = 0;
const TRANSMIT = 1;
/** Requests that are sent between the first mark and the last. */
const REQUESTS_MAX = 5;
const MARK_BYTES = 64;
/** Longer than what the device holds: it is taken in parts, and some of them after a pause. */
const LONG_BYTES = 100_000;

/** What an interrupted device is sent, and how it comes back. */
interface Stream {
  readonly lengths: readonly number[];
  /** In front of each request, and of each buffer that comes back. */
  readonly headerBytes: number;
}

const STREAMS: { readonly [K in FuzzedDevice]?: Stream } = {
  console: { lengths: [1, MARK_BYTES, 3000, LONG_BYTES], headerBytes: 0 },
  // A frame fits into a buffer.
  net: { lengths: [14, MARK_BYTES, 1500], headerBytes: NET_HEADER_BYTES },
};

/** True of devices whose work comes back to be compared. */
export const isInterrupted = (kind: FuzzedDevice): boolean => STREAMS[kind] !== undefined;

class Interrupted {
  private readonly honest: Honest;
  private readonly random: Random;
  private readonly headerBytes: number;
  private readonly buffers: readonly number[];
  /** What came back and was not compared yet. */
  private received = Buffer.alloc(0);
  private sent = 0;
  private finished = 0;

  constructor(honest: Honest, random: Random, { headerBytes }: Stream) {
    this.honest = honest;
    this.random = random;
    this.headerBytes = headerBytes;
    this.buffers = Array.from({ length: RING_SIZE }, () => honest.put(BUFFER_BYTES));
    for (const token of this.buffers.keys()) this.offer(token);
  }

  private offer(token: number): void {
    this.honest.offer(RECEIVE, token, [], [[this.buffers[token]!, BUFFER_BYTES]]);
  }

  send(bytes: Uint8Array): void {
    const request = Uint8Array.of(...new Uint8Array(this.headerBytes), ...bytes);
    this.honest.offer(
      TRANSMIT,
      this.sent++ % RING_SIZE,
      [[this.honest.put(request.length, request), request.length]],
      [],
    );
  }

  /** Takes what is finished on both queues. */
  take(): void {
    const { honest, headerBytes } = this;
    for (let taken = honest.taken(RECEIVE); taken.token !== EMPTY; taken = honest.taken(RECEIVE)) {
      const bytes = honest.bytes(this.buffers[taken.token]!, taken.length).subarray(headerBytes);
      this.received = Buffer.concat([this.received, bytes]);
      this.offer(taken.token);
    }
    for (let taken = honest.taken(TRANSMIT); taken.token !== EMPTY; taken = honest.taken(TRANSMIT)) this.finished++;
  }

  /** Waits for these bytes, and drops what came before them. */
  async find(mark: Buffer): Promise<void> {
    await this.until(() => this.received.includes(mark), 'the first mark');
    this.received = this.received.subarray(this.received.indexOf(mark) + mark.length);
  }

  /** Waits for as many bytes, and that they are these; and that all requests are finished, once each. */
  async expect(bytes: Buffer): Promise<void> {
    const differs = () => {
      const length = Math.min(bytes.length, this.received.length);
      return !bytes.subarray(0, length).equals(this.received.subarray(0, length));
    };
    await this.until(() => this.received.length >= bytes.length || differs(), 'all that was sent');
    if (differs()) throw new Error(`what came back is not what was sent: ${this.whereDiffers(bytes)}`);
    await this.until(() => this.finished >= this.sent, 'the end of all requests');
    if (this.received.length > bytes.length || this.finished > this.sent)
      throw new Error(`${this.received.length - bytes.length} bytes more came back than were sent`);
  }

  private whereDiffers(bytes: Buffer): string {
    const at = bytes.findIndex((byte, i) => i < this.received.length && byte !== this.received[i]);
    return `from byte ${at} of ${bytes.length} on`;
  }

  private until(condition: () => boolean, what: string): Promise<void> {
    return within(() => {
      this.take();
      return condition();
    }, what);
  }

  /** Some turns of the loop, and then what stops a queue and lets it go on. */
  async interrupt(): Promise<void> {
    const { honest, random } = this;
    for (let turns = random.below(4); turns > 0; turns--) {
      await loopTurn();
      if (random.oneIn(2)) this.take();
    }
    const { session, memory, queues } = honest;
    const index = random.pick([RECEIVE, TRANSMIT]);
    const ways: readonly (() => Promise<void>)[] = [
      () => session.setMemory([memory.describe()]),
      async () => {
        await session.enableQueue(index, false);
        await session.enableQueue(index, true);
      },
      async () => session.startQueue(queues[index]!.describe(await session.stopQueue(index))),
      async () => {},
    ];
    await random.pick(ways)();
  }
}

/** From the connection to its end. @throws Error if a device does something twice, or not at all */
export async function serveInterrupted(path: string, kind: FuzzedDevice, random: Random): Promise<void> {
  const stream = STREAMS[kind];
  if (stream === undefined) return;
  const honest = new Honest(path);
  try {
    await honest.start(2);
    const interrupted = new Interrupted(honest, random, stream);
    const [first, last] = [Buffer.from(pattern(MARK_BYTES)), Buffer.from(pattern(MARK_BYTES))];
    interrupted.send(first);
    await interrupted.find(first);
    const parts: Uint8Array[] = [];
    for (let left = 1 + random.below(REQUESTS_MAX); left > 0; left--) {
      const bytes = pattern(Math.max(4, random.pick(stream.lengths)));
      for (let i = 4; i < bytes.length; i++) bytes[i] = (i * 31 + (i >> 8)) & 0xff;
      parts.push(bytes);
      interrupted.send(bytes);
      await interrupted.interrupt();
    }
    interrupted.send(last);
    await interrupted.expect(Buffer.concat([...parts, last]));
  } finally {
    honest.close();
  }
}
