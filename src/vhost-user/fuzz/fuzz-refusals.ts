/**
 * What a refused request must not have changed, watched from within the server's process: a picture of the session
 * before each request, compared when the request is told as refused. And the requests that get refused, with what has
 * to come before them.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Random } from '../../fuzz/random.ts';
import type { SessionEvent, SessionHooks } from '../backend/backend-options.ts';
import type { BackendSession } from '../backend/backend-session.ts';
import { pictureOf, type SessionPicture, stateOf } from '../backend/session-picture.ts';
import type { ServedDevice } from '../queues/queue-runner.ts';
import { type Action, bit, MEMORY, MORE_MEMORY, regionOf, type SendAction, type Target } from './fuzz-actions.ts';
import { type DescribedRequest, send } from './fuzz-legal.ts';

type Picture = SessionPicture & { readonly acknowledged: bigint };

/** Of a ring that its runner could not serve these are another matter. */
const OF_FAILED_RING = { position: null, running: null, broken: null };
/** Rings break while a request is handled, and are told by themselves. */
const OF_ANY_RING = { running: null, broken: null };

export class RefusalWatch {
  /** What a refused request has changed: the first, until it is taken. */
  private found: string | null = null;
  private before: Picture | null = null;
  private acknowledged = 0n;
  private readonly session: () => BackendSession | null;

  /** Takes note of what the device is told from now on. */
  constructor(device: ServedDevice, session: () => BackendSession | null) {
    this.session = session;
    const acknowledge = device.acknowledge.bind(device);
    device.acknowledge = (features) => {
      this.acknowledged = features;
      acknowledge(features);
    };
  }

  readonly hooks: SessionHooks = {
    processMessage: () => {
      this.before = this.picture();
      return false;
    },
  };

  /** To be told every event, when it happens. */
  see(event: SessionEvent): void {
    if (event.kind !== 'refused') return;
    const { before } = this;
    const after = this.picture();
    if (before === null || after === null) return;
    const failed = (event.error as { code?: string }).code === 'queue-failed';
    for (const key of Object.keys(before) as (keyof Picture)[]) {
      // Of broken rings.
      if (key === 'status') continue;
      const [then, now] =
        key === 'rings' ? [ringsOf(before, failed), ringsOf(after, failed)] : [before[key], after[key]];
      if (!isDeepStrictEqual(then, now)) this.found ??= `${event.request} was refused and has changed ${key}`;
    }
  }

  take(): string | null {
    const { found } = this;
    this.found = null;
    return found;
  }

  private picture(): Picture | null {
    const session = this.session();
    return session === null ? null : { ...pictureOf(stateOf(session)), acknowledged: this.acknowledged };
  }
}

const ringsOf = ({ rings }: Picture, failed: boolean) =>
  rings.map((ring) => ({ ...ring, ...OF_ANY_RING, ...(failed ? OF_FAILED_RING : {}) }));

const FEATURES = bit(32) | bit(30);
const LOG_ALL = bit(26);
/** Bytes of log that MEMORY needs, and not one page more. */
const LOG_OF_MEMORY = Math.ceil((MEMORY.guestBase + MEMORY.sizeBytes) / 4096 / 64) * 8;

/** Requests of which the last are refused, whatever the session has agreed on, or that must not be. */
export function refusedActions(random: Random, { queueCount }: Target): Action[] {
  const index = random.below(queueCount);
  const actions: SendAction[] = [];
  const say = (request: DescribedRequest) => actions.push(send({ ...request, needsReply: true } as DescribedRequest));
  const table = (region: typeof MEMORY | typeof MORE_MEMORY) =>
    say({
      request: 'SET_MEM_TABLE',
      regions: [regionOf(region)],
      with: [region === MEMORY ? 'memory' : 'more memory'],
    });
  const stopAll = () => {
    for (let queue = 0; queue < queueCount; queue++) say({ request: 'GET_VRING_BASE', index: queue, num: 0 });
  };
  const ways: readonly (() => void)[] = [
    // A log that is too small for the memory that came after it, and other features of the device with it.
    () => {
      stopAll();
      table(MEMORY);
      say({ request: 'SET_LOG_BASE', sizeBytes: BigInt(LOG_OF_MEMORY), offsetBytes: 0n, with: ['log'] });
      table(MORE_MEMORY);
      say({ request: 'SET_FEATURES', value: random.oneIn(2) ? FEATURES | LOG_ALL : bit(30) | LOG_ALL });
    },
    // A ring whose memory went while it was disabled.
    () => {
      say({ request: 'SET_VRING_ENABLE', index, num: 0 });
      table(MORE_MEMORY);
      if (random.oneIn(2)) say({ request: 'SET_VRING_ENABLE', index, num: 1 });
      else say({ request: 'SET_VRING_KICK', index, noDescriptor: false, with: [`kick ${index}`] });
      table(MEMORY);
    },
    () => say({ request: 'SET_PROTOCOL_FEATURES', value: bit(14) | bit(3) }),
    () => say({ request: 'SET_FEATURES', value: FEATURES | bit(40) }),
    () => say({ request: 'SET_VRING_ENABLE', index, num: 2 }),
    () => say({ request: 'SET_VRING_NUM', index, num: 3 }),
    () => say({ request: 'SET_VRING_BASE', index, num: 65536 }),
    // No descriptor that could be waited for: its runner fails.
    () => say({ request: 'SET_VRING_KICK', index, noDescriptor: false, with: ['memory'] }),
  ];
  random.pick(ways)();
  return [...actions, { does: 'read' }];
}
