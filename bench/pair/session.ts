/**
 * A pair's queue set up as vhost-user has it: the guest's thread is the frontend, the host's the backend, messages go
 * over a port between them, and memory and doorbells ride along. Both sides; afterwards the ring is all they share.
 */

import { setImmediate } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import { ringingEnd, waitingEnd } from '../../src/doorbell/doorbell.ts';
import type { QueueState } from '../../src/host/queue.ts';
import { featureWord } from '../../src/ring/feature-word.ts';
import { featuresToBits } from '../../src/ring/features.ts';
import type { SplitRing } from '../../src/ring/split-layout.ts';
import { BackendSession } from '../../src/vhost-user/backend/backend-session.ts';
import { FrontendSession } from '../../src/vhost-user/frontend/frontend-session.ts';
import type { Handle } from '../../src/vhost-user/messages/handle.ts';
import { PortChannel } from '../../src/vhost-user/messages/port-channel.ts';
import { VHOST_USER_PROTOCOL_F_REPLY_ACK } from '../../src/vhost-user/messages/protocol.ts';
import { NO_STATS, type QueueRunner, type ServedDevice } from '../../src/vhost-user/queues/queue-runner.ts';
import type { QueueSetup } from '../../src/vhost-user/queues/queue-setup.ts';
import { GUEST_BASE, type PairSetup } from './setup.ts';

/** Ring addresses are the frontend's own in this protocol: others than the guest's, so that both translations count. */
const USER_BASE = 2 ** 41;

function portOf({ port }: PairSetup): MessagePort {
  if (port === null) throw new TypeError('this pair has no session');
  return port;
}

/** Guest thread, once its half of the ring stands: sets the queue up and starts it. */
export async function connectGuest(setup: PairSetup, ring: SplitRing): Promise<void> {
  const { config, memory, guestHandle, hostHandle } = setup;
  const session = new FrontendSession(new PortChannel(portOf(setup)));
  const features = featuresToBits(config.features);
  const protocolFeatures = featureWord(VHOST_USER_PROTOCOL_F_REPLY_ACK);
  const negotiated = await session.negotiate({ features, protocolFeatures });
  if ((negotiated.features & features) !== features) throw new Error('the host half does not offer what was asked for');
  await session.setMemory([
    {
      handle: { kind: 'memory', memory },
      guestAddress: BigInt(GUEST_BASE),
      userAddress: BigInt(USER_BASE),
      sizeBytes: BigInt(memory.buffer.byteLength),
      mmapOffset: 0n,
    },
  ]);
  const { desc, avail, used } = ring.places;
  await session.startQueue({
    index: 0,
    size: config.ringSize,
    desc: USER_BASE + desc.offset,
    avail: USER_BASE + avail.offset,
    used: USER_BASE + used.offset,
    base: 0,
    kick: { kind: 'doorbell', doorbell: waitingEnd(hostHandle) },
    call: { kind: 'doorbell', doorbell: ringingEnd(guestHandle) },
    err: null,
    logAddress: null,
  });
}

/** The host half of the benchmark as a session's device: it takes the set-up, and its loop serves the queue. */
class MeasuredDevice implements ServedDevice {
  readonly id = 0;
  readonly name = 'benchmark';
  readonly features = 0n;
  readonly queueCount = 1;
  readonly config = new Uint8Array(0);
  readonly oneThread = true;
  readonly started: Promise<QueueSetup>;
  private start: (setup: QueueSetup) => void = () => {};

  constructor() {
    this.started = new Promise((resolve) => {
      this.start = resolve;
    });
  }

  acknowledge(): void {}
  writeConfig(): boolean {
    return false;
  }

  runner(): QueueRunner {
    return {
      start: async (setup) => this.start(setup),
      setCall: async () => {},
      kick: () => {},
      stop: async (): Promise<QueueState> => ({ availIdx: 0, usedIdx: 0 }),
      stats: NO_STATS,
    };
  }

  async close(): Promise<void> {}
}

/** Host thread: waits for the guest's set-up of the queue. @throws Error if the session ends before it. */
export async function connectHost(setup: PairSetup): Promise<QueueSetup> {
  const device = new MeasuredDevice();
  const session = new BackendSession({
    channel: new PortChannel(portOf(setup)),
    device,
    system: {
      sizeOf: (handle) => (handle.kind === 'memory' ? handle.memory.buffer.byteLength : 0),
      allocate: () => refuse('memory of its own'),
      ring: () => refuse('an err handle'),
      openChannel: () => refuse('a channel of its own'),
      openPostcopy: null,
    },
  });
  const ended = session.run().then(() => refuse('a queue that was set up'));
  const queueSetup = await Promise.race([device.started, ended]);
  // The guest is answered in what is left of this turn; afterwards this thread blocks.
  await setImmediate();
  return queueSetup;
}

function refuse(what: string): never {
  throw new Error(`the session between guest and host has no ${what}`);
}

/** What a handle of the set-up rings or waits on. */
export function doorbellOf(handle: Handle | null) {
  if (handle?.kind !== 'doorbell') throw new TypeError('the queue was set up without a doorbell');
  return handle.doorbell;
}
