/** The fuzzer of sessions: some of its sessions, and that it finds and shortens what was planted for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whyUnavailable } from '../../native/libc.ts';
import { leavingNoneOpen } from '../../native/test-leaks.ts';
import type { SessionSystem } from '../backend/backend-options.ts';
import { BackendState } from '../backend/backend-state.ts';
import { nativeSystem } from '../backend/native-system.ts';
import { VringSet } from '../backend/vring-set.ts';
import { VringState } from '../backend/vring-state.ts';
import { VHOST_USER_GET_INFLIGHT_FD, VHOST_USER_SET_BACKEND_REQ_FD } from '../messages/protocol.ts';
import { describeAction } from './fuzz-actions.ts';
import { fuzzedSession } from './fuzz-mutations.ts';
import { type FuzzFigures, fuzzSessions, playSession } from './fuzz-sessions.ts';

const skip = whyUnavailable() ?? false;

const SEED = 5;
const SESSIONS = 400;

const told = ({ failure }: FuzzFigures) =>
  failure === null ? '' : [failure.why, ...failure.actions.map(describeAction)].join('\n');

test(`fuzzed sessions: ${SESSIONS} of seed ${SEED}`, { skip }, () =>
  leavingNoneOpen(async () => {
    const figures = await fuzzSessions({ seed: SEED, cases: SESSIONS });
    assert.equal(figures.failure, null, told(figures));
    assert.equal(figures.sessions, SESSIONS);
    // They reach what they are to reach: work was done, rings broke, connections ended for many reasons.
    assert.ok(figures.requests > SESSIONS, `${figures.requests} requests`);
    assert.ok(figures.connections > SESSIONS);
    assert.ok(figures.ends.size > 12, [...figures.ends.keys()].join(' '));
    const events = [...figures.events.keys()];
    for (const kind of ['refused', 'queue-broken'])
      assert.ok(events.filter((event) => event.startsWith(kind)).length > 1, events.join(', '));
  }),
);

test('fuzzed sessions: the same seed and number are the same session', () => {
  const target = { queueCount: 2, configBytes: 60 };
  const lines = (seed: number, number: number) => fuzzedSession(seed, number, target).map(describeAction);
  for (let number = 0; number < 20; number++) assert.deepEqual(lines(1, number), lines(1, number));
  assert.notDeepEqual(lines(1, 0), lines(2, 0));
  assert.notDeepEqual(lines(1, 0), lines(1, 1));
});

/** What a system does wrong, what the fuzzer says of it, and the request that must be left of the session. */
const PLANTED: readonly [what: string, change: Partial<SessionSystem>, why: RegExp, request: number][] = [
  [
    'a descriptor that is not given back',
    {
      openChannel(descriptor) {
        const channel = nativeSystem().openChannel(descriptor);
        leaked.push(() => channel.close());
        return { ...channel, close: () => {} };
      },
    },
    /^[1-9]\d* descriptors left open/,
    VHOST_USER_SET_BACKEND_REQ_FD,
  ],
  [
    'an error that is nobody’s misbehaviour',
    {
      allocate() {
        throw new TypeError('planted');
      },
    },
    /^disconnected: TypeError: planted/,
    VHOST_USER_GET_INFLIGHT_FD,
  ],
];

const leaked: (() => void)[] = [];

for (const [what, change, why, request] of PLANTED)
  test(`fuzzed sessions: ${what} is found, and its session shortened`, { skip }, async () => {
    const system = { ...nativeSystem(), ...change };
    const { failure } = await fuzzSessions({ seed: SEED, cases: 200, system });
    for (const close of leaked.splice(0)) close();
    assert.ok(failure !== null);
    assert.match(failure.why, why);
    assert.equal(failure.alone, true);
    // What it takes: the feature, the request itself, and that they are read before the end.
    assert.ok(failure.actions.length <= 5, failure.actions.map(describeAction).join('\n'));
    assert.ok(failure.actions.some((action) => action.does === 'send' && action.request === request));
    // Without what was planted nothing is wrong with it.
    assert.equal(await playSession(SEED, failure.session), null);
  });

/** A method that does something wrong, in place of the right one; what the fuzzer says of it. */
interface Plant {
  readonly what: string;
  /** Puts it there; returns what puts the right one back. */
  readonly plant: () => () => void;
  readonly why: RegExp;
  /** It takes one session, which is shortened to so many actions; null: it is not of one session. */
  readonly actionsMax: number | null;
}

function replaced<T extends object, K extends keyof T>(target: T, name: K, make: (right: T[K]) => T[K]): () => void {
  const right = target[name];
  target[name] = make(right);
  return () => {
    target[name] = right;
  };
}

const WRONG: readonly Plant[] = [
  {
    what: 'a device that is told of features which are then refused',
    plant: () =>
      replaced(
        BackendState.prototype,
        'setFeatures',
        (right) =>
          function (this: BackendState, features, request) {
            if (!this.rings.anyStarted) this.device.acknowledge(features);
            return right.call(this, features, request);
          },
      ),
    why: /^SET_FEATURES was refused and has changed acknowledged$/,
    actionsMax: 9,
  },
  {
    what: 'a ring that stays as a refused request wanted it',
    plant: () =>
      replaced(
        VringSet.prototype,
        'alter',
        () =>
          async function (this: VringSet, ring, change, request) {
            Object.assign(ring, change);
            await this.settle(ring, request);
          },
      ),
    why: /^SET_VRING_(ENABLE|KICK|ADDR) was refused and has changed rings$/,
    // A ring is set up, stopped from running, and refused.
    actionsMax: 25,
  },
  {
    what: 'a queue that goes on one request before the place where it was stopped',
    plant: () =>
      replaced(
        VringState.prototype,
        'standAt',
        (right) =>
          function (this: VringState, { availIdx, usedIdx }) {
            const back = (index: number) => (index - 1) & 0xffff;
            right.call(
              this,
              this.index === 1 ? { availIdx: back(availIdx), usedIdx: back(usedIdx) } : { availIdx, usedIdx },
            );
          },
      ),
    why: /^the next interrupted frontend of the (net|console) device/,
    actionsMax: null,
  },
];
for (const { what, plant, why, actionsMax } of WRONG)
  test(`fuzzed sessions: ${what} is found`, { skip }, async () => {
    const putBack = plant();
    let failure: FuzzFigures['failure'];
    try {
      failure = (await fuzzSessions({ seed: SEED, cases: 500 })).failure;
    } finally {
      putBack();
    }
    assert.ok(failure !== null);
    assert.match(failure.why, why);
    assert.equal(failure.alone, actionsMax !== null);
    if (actionsMax === null) return;
    assert.ok(failure.actions.length <= actionsMax, failure.actions.map(describeAction).join('\n'));
    assert.equal(await playSession(SEED, failure.session), null);
  });
