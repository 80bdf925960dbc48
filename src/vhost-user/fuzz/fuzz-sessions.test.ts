/** The fuzzer of sessions: some of its sessions, and that it finds and shortens what was planted for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whyUnavailable } from '../../native/libc.ts';
import { leavingNoneOpen } from '../../native/test-leaks.ts';
import type { SessionSystem } from '../backend/backend-options.ts';
import { nativeSystem } from '../backend/native-system.ts';
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
    const system = { ...nativeSystem(), openPostcopy: null, ...change };
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
