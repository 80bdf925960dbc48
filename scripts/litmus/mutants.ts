/**
 * One thing of the protocol taken out or weakened, each by a line. An exploration that still finds nothing has not
 * looked, or the thing is not needed: then the line says why.
 */
import type { Change, Fault, SideName } from './mutate.ts';

export interface Mutant {
  readonly summary: string;
  /** Null: nothing of a side; both run with ordering `none`. */
  readonly fault: Fault | null;
  /** Why no run needs what is missing. Null: some scenario must fail. */
  readonly redundant: string | null;
}

const mutant = (side: SideName, summary: string, change: Change, redundant: string | null = null): Mutant => ({
  summary,
  fault: { side, change },
  redundant,
});

const noFence = (side: SideName, letter: string, method: string) =>
  mutant(side, `no fence ${letter} in ${method}`, { what: 'drop', in: method, kind: 'fence' });
const noStore = (side: SideName, method: string, of: string, redundant: string | null = null) =>
  mutant(side, `${method} does not store ${of}`, { what: 'drop', in: method, kind: 'store', of }, redundant);
const shifted = (side: SideName, method: string, kind: 'load' | 'store', of: string, by: number) =>
  mutant(side, `${method} ${kind}s ${of} ${by > 0 ? '+' : ''}${by}`, { what: 'add', in: method, kind, of, by });
const answers = (side: SideName, method: string, value: boolean, summary: string) =>
  mutant(side, summary, { what: 'answer', in: method, value });
const late = (side: SideName, of: string, behind: string) =>
  mutant(side, `${of} is written behind ${behind}`, { what: 'late', of, behind });
const split = (side: SideName, method: string, summary: string) => mutant(side, summary, { what: 'split', in: method });

const HINT = 'a hint: without it notifications come that nobody needs, and none is missing';

const LOOK_HINT = 'looking on is a hint: what it overlooks is found by the second look, after asking';

export const MUTANTS: Readonly<Record<string, Mutant>> = {
  'no-fences': { summary: 'ordering none: no fence on either side', fault: null, redundant: null },

  'guest-kick-fence': noFence('guest', 'C', 'kickPrepare'),
  'host-kick-fence': noFence('host', 'C', 'enableKicks'),
  'host-call-fence': noFence('host', 'D', 'needsCall'),
  'guest-poll-fence': noFence('guest', 'D', 'poll'),
  'guest-delayed-fence': noFence('guest', 'D', 'enableCallsDelayed'),
  'guest-take-fence': noFence('guest', 'D', 'requestCallAt'),

  'vhost-user-take-fence': noFence('host', 'C', 'takeHead'),
  'set-notification-fence': noFence('host', 'C', 'requestKickBehindSeen'),

  'guest-poll-ignored': answers('guest', 'poll', false, 'enableCalls does not look again'),
  'guest-due-ignored': answers('guest', 'callDue', false, 'enableCallsDelayed does not look again'),
  'host-kicks-ignored': answers('host', 'enableKicks', true, 'enableKicks does not look again'),
  'guest-poll-wary': answers('guest', 'poll', true, 'enableCalls never lets the guest wait'),
  'host-kicks-wary': answers('host', 'enableKicks', false, 'enableKicks never lets the host wait'),
  'set-notification-ignored': answers('host', 'isEmpty', true, 'nobody looks again after setNotification'),
  'guest-never-kicks': answers('guest', 'kickPrepare', false, 'the guest never kicks'),
  'host-never-calls': answers('host', 'needsCall', false, 'the host never calls'),

  'guest-unflushed': mutant('guest', 'the guest shows and kicks for nothing before it looks on', {
    ...{ what: 'skip', in: 'flush' },
  }),
  'host-unflushed': mutant('host', 'the host shows and calls for nothing before it looks on', {
    ...{ what: 'skip', in: 'flush' },
  }),
  'guest-sees-none': mutant('guest', 'looks on and sees nothing', { what: 'answer', in: 'look', value: 0 }, LOOK_HINT),
  'host-sees-none': mutant('host', 'looks on and sees nothing', { what: 'answer', in: 'look', value: 0 }, LOOK_HINT),

  'guest-event': noStore('guest', 'requestCall', 'used_event'),
  'guest-event-take': noStore('guest', 'requestCallAt', 'used_event'),
  'host-event': noStore('host', 'enableKicks', 'avail_event'),
  'vhost-user-take-event': noStore('host', 'takeHead', 'avail_event'),
  'set-notification-event': noStore('host', 'requestKickBehindSeen', 'avail_event'),
  'guest-flags-on': noStore('guest', 'requestCall', 'avail.flags'),
  'host-flags-on': noStore('host', 'enableKicks', 'used.flags'),
  'guest-flags-off': noStore('guest', 'disableCalls', 'avail.flags', HINT),
  'host-flags-off': noStore('host', 'disableKicks', 'used.flags', HINT),

  'guest-event-high': shifted('guest', 'requestCall', 'store', 'used_event', 1),
  'guest-event-low': shifted('guest', 'requestCall', 'store', 'used_event', -1),
  'guest-event-take-high': shifted('guest', 'requestCallAt', 'store', 'used_event', 1),
  'guest-event-take-low': shifted('guest', 'requestCallAt', 'store', 'used_event', -1),
  'host-event-high': shifted('host', 'enableKicks', 'store', 'avail_event', 1),
  'host-event-low': shifted('host', 'enableKicks', 'store', 'avail_event', -1),
  'guest-need-high': shifted('guest', 'kickPrepare', 'load', 'avail_event', 1),
  'guest-need-low': shifted('guest', 'kickPrepare', 'load', 'avail_event', -1),
  'host-need-high': shifted('host', 'needsCall', 'load', 'used_event', 1),
  'host-need-low': shifted('host', 'needsCall', 'load', 'used_event', -1),
  'guest-used-high': shifted('guest', 'refreshUsed', 'load', 'used.idx', 1),
  'host-avail-high': shifted('host', 'refreshAvail', 'load', 'avail.idx', 1),

  'guest-entry-late': late('guest', 'avail.ring', 'avail.idx'),
  'guest-descriptor-late': late('guest', 'desc', 'avail.idx'),
  'guest-table-late': late('guest', 'table', 'avail.idx'),
  'guest-bytes-late': late('guest', 'slot', 'avail.idx'),
  'host-entry-late': late('host', 'used.ring', 'used.idx'),
  'host-bytes-late': late('host', 'slot', 'used.idx'),

  'guest-adds-forgotten': mutant('guest', 'addsUnkicked is forgotten when published', {
    ...{ what: 'set', in: 'publish', when: 'after', field: 'addsUnkicked', value: 0 },
  }),
  'guest-adds-last': mutant('guest', 'kickPrepare counts the last add alone', {
    ...{ what: 'set', in: 'kickPrepare', when: 'before', field: 'addsUnkicked', value: 1 },
  }),
  'host-completed-forgotten': mutant('host', 'completed is forgotten when the next request is looked for', {
    ...{ what: 'set', in: 'takeHead', when: 'before', field: 'completed', value: 0 },
  }),
  'host-completed-last': mutant('host', 'needsCall counts the last completion alone', {
    ...{ what: 'set', in: 'needsCall', when: 'before', field: 'completed', value: 1 },
  }),
  'guest-calls-unnoted': mutant('guest', 'disableCalls does not note that calls are off', {
    ...{ what: 'set', in: 'disableCalls', when: 'after', field: 'callsEnabled', value: true },
  }),
  'guest-ahead': mutant('guest', 'callDue waits for more than was asked for', {
    ...{ what: 'set', in: 'requestCall', when: 'after', field: 'callAhead', value: 0xffff },
  }),

  'host-bell-ring': split('host', 'ring', "the host's ring is a load and a store, no exchange"),
  'guest-bell-ring': split('guest', 'ring', "the guest's ring is a load and a store, no exchange"),
  'guest-bell-sleep': split('guest', 'sleep', 'the guest goes to sleep by a load and a store, no compare-exchange'),
  'host-bell-sleep': split('host', 'sleep', 'the host goes to sleep by a load and a store, no compare-exchange'),
  'guest-bell-take': split('guest', 'take', 'the guest takes a ring by a load and a store, no exchange'),
  'host-bell-take': split('host', 'take', 'the host takes a ring by a load and a store, no exchange'),
  'guest-bell-late': shifted('guest', 'sleep', 'load', "guest's bell", 1),
  'host-bell-late': shifted('host', 'sleep', 'load', "host's bell", 1),
  'guest-bell-notify': mutant('guest', 'the guest wakes nobody', { what: 'drop', in: 'wake', kind: 'notify' }),
  'host-bell-notify': mutant('host', 'the host wakes nobody', { what: 'drop', in: 'wake', kind: 'notify' }),
};
