/** For tests: a session without an operating system: a channel of prepared messages, runners that only take notes. */
import assert from 'node:assert/strict';
import { VIRTIO_ID_NET } from '../../formats/ids.ts';
import type { QueueState } from '../../host/queue.ts';
import type { Channel, Message } from '../messages/channel.ts';
import { ProtocolError } from '../messages/errors.ts';
import type { Handle } from '../messages/handle.ts';
import { encode, type NameFrom, type RequestToSend } from '../messages/message.ts';
import { NO_STATS, type QueueRunner, type RunnerEvents, type ServedDevice } from '../queues/queue-runner.ts';
import type { QueueSetup } from '../queues/queue-setup.ts';
import type { Postcopy, SessionEvent, SessionHooks, SessionSystem } from './backend-options.ts';
import { BackendSession } from './backend-session.ts';
import type { BackendState } from './backend-state.ts';
import { stateOf } from './session-picture.ts';

export type Step = RequestToSend<NameFrom<'frontend'>> | { readonly raw: Message } | { readonly run: () => void };

/** Bytes behind every handle but the socket. */
export const FILE_SIZE = 2 ** 21;
let lastDescriptor = 100;

/** Another file of FILE_SIZE bytes. */
export const aFile = (): Handle => ({ kind: 'descriptor', descriptor: ++lastDescriptor });
/** More bytes than a view of memory can have. */
const BIG_FILE_SIZE = 2 ** 40;
const bigFiles = new WeakSet<Handle>();
export const aBigFile = (): Handle => {
  const handle = aFile();
  bigFiles.add(handle);
  return handle;
};
/** Something without a size. */
export const aSocket = (): Handle => ({ kind: 'descriptor', descriptor: -++lastDescriptor });

class FakeChannel implements Channel {
  readonly sent: Message[] = [];
  readonly released: Handle[] = [];
  /** All that came with messages that were taken. */
  readonly received: Handle[] = [];
  closed = false;
  private readonly steps: Step[];

  constructor(steps: readonly Step[]) {
    this.steps = [...steps];
  }

  async receive(): Promise<Message | null> {
    for (let step = this.steps.shift(); step !== undefined; step = this.steps.shift()) {
      if ('run' in step) {
        step.run();
        continue;
      }
      const message = 'raw' in step ? step.raw : encode(step);
      this.received.push(...message.handles);
      return message;
    }
    return null;
  }

  async send(message: Message): Promise<void> {
    this.sent.push(message);
  }

  release(handles: readonly Handle[]): void {
    this.released.push(...handles);
  }

  close(): void {
    this.closed = true;
  }
}

export class FakeRunner implements QueueRunner {
  readonly stats = NO_STATS;
  /** What it was told, in order. */
  readonly notes: string[] = [];
  setup: QueueSetup | null = null;
  events: RunnerEvents | null = null;
  /** What starts fail with, after those that are good. */
  fails: Error | null = null;
  goodStarts = 0;
  /** Requests that it serves before it is stopped. */
  serves = 3;

  async start(setup: QueueSetup, events: RunnerEvents): Promise<void> {
    this.notes.push('start');
    if (this.fails !== null && this.goodStarts-- <= 0) throw this.fails;
    assert.equal(this.events, null, 'started twice');
    this.setup = setup;
    this.events = events;
  }

  async setCall(call: Handle | null): Promise<void> {
    this.notes.push(call === null ? 'no call' : 'call');
  }

  kick(): void {
    this.notes.push('kick');
  }

  async stop(): Promise<QueueState> {
    assert.notEqual(this.events, null, 'stopped while it is not in service');
    this.notes.push('stop');
    this.events = null;
    const availIdx = (this.setup!.availIdx + this.serves) & 0xffff;
    return { availIdx, usedIdx: availIdx };
  }
}

export class FakeDevice implements ServedDevice {
  readonly name = 'fake';
  readonly features: bigint;
  readonly queueCount = 2;
  readonly config = Uint8Array.of(1, 2, 3, 4);
  readonly oneThread = true;
  readonly runners = [new FakeRunner(), new FakeRunner()];
  acknowledged: bigint | null = null;
  resets = 0;
  /** What it announced, and the MTUs that it was told: of a network device. */
  readonly told: unknown[] = [];
  readonly id: number;
  readonly announce: ServedDevice['announce'];
  readonly setMtu: ServedDevice['setMtu'];

  /** @param announces a network device announces, and takes MTUs up to 2000 */
  constructor(id = 42, features = 1n, announces = id === VIRTIO_ID_NET) {
    this.id = id;
    this.features = features;
    if (!announces) return;
    this.announce = (mac) => this.told.push(['announce', ...mac]) < 3;
    this.setMtu = (mtu) => this.told.push(['mtu', mtu]) > 0 && mtu <= 2000;
  }

  reset(): void {
    this.resets++;
  }

  acknowledge(features: bigint): void {
    this.acknowledged = features;
  }

  writeConfig(offset: number, bytes: Uint8Array): boolean {
    if (offset + bytes.length > this.config.length) return false;
    this.config.set(bytes, offset);
    return true;
  }

  runner(index: number): FakeRunner {
    return this.runners[index]!;
  }

  async close(): Promise<void> {}
}

class FakePostcopy implements Postcopy {
  readonly handle: Handle = { kind: 'descriptor', descriptor: 99 };
  armed = 0;
  ended = 0;

  map(regions: readonly { userBase: number }[]): bigint[] {
    return regions.map(({ userBase }) => BigInt(userBase) + 0x1000n);
  }

  arm(): void {
    this.armed++;
  }

  async end(): Promise<void> {
    this.ended++;
  }
}

export interface PlayOptions {
  readonly device?: FakeDevice;
  readonly hooks?: SessionHooks;
  /** Given the session's state before its first message. */
  readonly inspect?: (state: BackendState) => void;
}

export interface Played {
  readonly device: FakeDevice;
  /** The code that ended it, the message of another error, or null. */
  readonly ended: string | null;
  readonly sent: readonly Message[];
  /** The number in the last message that was sent. */
  readonly lastValue: bigint;
  readonly rung: readonly Handle[];
  readonly events: readonly SessionEvent[];
  readonly postcopies: readonly FakePostcopy[];
  /** What was sent over each backend channel. */
  readonly backendChannels: readonly FakeChannel[];
}

/** Runs a session of these messages to its end, and checks that every handle was given back once. */
export async function play(
  steps: readonly Step[],
  { device = new FakeDevice(), hooks = {}, inspect = () => {} }: PlayOptions = {},
) {
  const channel = new FakeChannel(steps);
  const rung: Handle[] = [];
  const allocated: Handle[] = [];
  const postcopies: FakePostcopy[] = [];
  const backendChannels: FakeChannel[] = [];
  const taken: Handle[] = [];
  const system: SessionSystem = {
    sizeOf(handle) {
      if (handle.kind === 'descriptor' && handle.descriptor < 0) throw new TypeError('a socket has no size');
      return bigFiles.has(handle) ? BIG_FILE_SIZE : FILE_SIZE;
    },
    allocate() {
      const handle = aFile();
      allocated.push(handle);
      return handle;
    },
    ring: (handle) => rung.push(handle),
    openChannel(descriptor) {
      const backend = new FakeChannel([]);
      backendChannels.push(backend);
      taken.push(channel.received.find((handle) => handle.kind === 'descriptor' && handle.descriptor === descriptor)!);
      return backend;
    },
    async openPostcopy() {
      const postcopy = new FakePostcopy();
      postcopies.push(postcopy);
      return postcopy;
    },
  };
  const events: SessionEvent[] = [];
  const session = new BackendSession({ channel, device, system, hooks, report: (event) => events.push(event) });
  inspect(stateOf(session));
  let ended: string | null = null;
  try {
    await session.run();
  } catch (error) {
    ended = error instanceof ProtocolError ? error.code : (error as Error).message;
  }
  assert.equal(channel.closed, true);
  for (const runner of device.runners) assert.equal(runner.events, null, 'a queue is left in service');
  const number = (handle: Handle) => (handle.kind === 'descriptor' ? handle.descriptor : 0);
  const sorted = (handles: readonly Handle[]) => handles.map(number).sort((a, b) => a - b);
  const owed = [...channel.received, ...allocated].filter((handle) => !taken.includes(handle));
  assert.deepEqual(sorted(channel.released), sorted(owed), 'handles given back');
  for (const backend of backendChannels) assert.equal(backend.closed, true);
  for (const postcopy of postcopies) assert.equal(postcopy.ended, 1);
  const { sent } = channel;
  const payload = sent.at(-1)?.payload;
  const lastValue =
    payload?.length === 8 ? new DataView(payload.buffer, payload.byteOffset).getBigUint64(0, true) : -1n;
  const played: Played = { device, ended, sent, lastValue, rung, events, postcopies, backendChannels };
  return played;
}
