/**
 * Both ends of a ring against a plain model: an array of requests and how far each side has come in it. Commands for
 * fast-check, one for each call by which requests and notifications move.
 *
 * Notifications, precisely. Let a side put entries, then ask whether the other must be told of those put since it asked
 * last; none put: nothing to tell, except that a guest without events is not looked after so closely (below).
 *
 *     required   without events: the other's flag is 0 [virtio-v1.2 §2.7.7.2, §2.7.10.1]; with: one of those entries is the
 *                one it named. A side that was told "safe to wait" is told of the first entry behind what it named.
 *     allowed    by the specification always; by these ends only what is required, and two cases more: a kick asked
 *                for when nothing was put, without events and with the flag 0 (as the kernel's driver), and one call
 *                after the ring was taken over, for nobody knows what the predecessor told.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { EMPTY } from './guest/queue.ts';
import type { ScatterList } from './guest/scatter-list.ts';
import type { SplitVirtqueue } from './guest/split-virtqueue.ts';
import { Request } from './host/queue.ts';
import type { SplitHostQueue } from './host/split-host-queue.ts';
import type { GuestMemory } from './memory/guest-memory.ts';
import type { MemoryRegion } from './memory/region.ts';
import type { GuardedRing } from './test-guarded-ring.ts';

/** Where each outstanding request's elements lie: room for the longest. */
export const SLOT_BYTES = 1024;
export const ELEMENTS_MAX = 8;
const ELEMENT_STRIDE = SLOT_BYTES / ELEMENTS_MAX;

export interface Setup {
  readonly size: number;
  readonly eventIdx: boolean;
  /** Entries of each indirect table, and how many there are; 0: none. */
  readonly tableLength: number;
  readonly tables: number;
  /** The host asks for a kick with each request it takes. */
  readonly kickAsItGoes: boolean;
}

interface ModelRequest {
  readonly token: number;
  readonly slot: number;
  readonly out: readonly number[];
  readonly in: readonly number[];
  readonly sent: Buffer;
  /** Descriptors that it takes; one for a table. */
  readonly cost: number;
  readonly table: boolean;
  request: Request | null;
  answer: Buffer;
}

/** What happened, as plain numbers: how many requests were added, shown, taken … since the start. */
export class Model {
  readonly setup: Setup;
  /** All ever added, in order; the host takes them in this order. */
  readonly added: ModelRequest[] = [];
  shown = 0;
  taken = 0;
  /** Taken and not completed. */
  held: ModelRequest[] = [];
  /** In the order of their completion. */
  readonly completed: ModelRequest[] = [];
  published = 0;
  back = 0;
  /** Up to where each side has told the other; null: nobody knows. */
  kicked = 0;
  called: number | null = null;
  /** What each side asked for: its flag, and with events the entry it named. */
  kicksOn = true;
  kickAt = 0;
  callsOn = true;
  callAt = 0;
  /** It was told that it may wait. */
  hostWaits = false;
  guestWaits = false;

  constructor(setup: Setup) {
    this.setup = setup;
  }

  outstanding(): ModelRequest[] {
    const back = new Set(this.completed.slice(0, this.back));
    return this.added.filter((one) => !back.has(one));
  }

  free(): number {
    return this.outstanding().reduce((free, { cost }) => free - cost, this.setup.size);
  }
}

export interface Real {
  readonly guest: SplitVirtqueue;
  readonly host: SplitHostQueue;
  readonly memory: GuestMemory;
  readonly region: MemoryRegion;
  readonly list: ScatterList;
  /** How often the doorbell was rung. */
  readonly rings: () => number;
  readonly guarded: GuardedRing;
}

type Command = fc.Command<Model, Real>;

/** One call: whether it can be made now, and what it does to both. */
class Call implements Command {
  private readonly name: string;
  private readonly can: (model: Model) => boolean;
  private readonly act: (model: Model, real: Real) => void;

  constructor(name: string, act: (model: Model, real: Real) => void, can: (model: Model) => boolean = () => true) {
    this.name = name;
    this.act = act;
    this.can = can;
  }

  check(model: Readonly<Model>): boolean {
    return this.can(model as Model);
  }

  run(model: Model, real: Real): void {
    this.act(model, real);
    real.guarded.check();
    assert.equal(real.guest.freeDescriptors, model.free(), 'free descriptors');
    assert.equal(real.guest.clampedLengths, 0, 'clamped lengths');
  }

  toString(): string {
    return this.name;
  }
}

const bytesOf = (length: number, seed: number) => Buffer.from(Array.from({ length }, (_, i) => (i * 31 + seed) & 0xff));

/** What moved, asked of or told to the guest's side of the bell. */
function ringing(real: Real, act: () => void): number {
  const before = real.rings();
  act();
  return real.rings() - before;
}

function add(model: Model, real: Real, out: readonly number[], room: readonly number[], deferred: boolean): void {
  const { tableLength, tables } = model.setup;
  const outstanding = model.outstanding();
  const slots = new Set(outstanding.map(({ slot }) => slot));
  const slot = Array.from({ length: model.setup.size + 1 }, (_, i) => i).find((i) => !slots.has(i))!;
  const token = model.added.length;
  const count = out.length + room.length;
  real.list.reset();
  const sent: Buffer[] = [];
  for (const [i, length] of [...out, ...room].entries()) {
    const offset = slot * SLOT_BYTES + i * ELEMENT_STRIDE;
    if (i < out.length) {
      const bytes = bytesOf(length, token + i);
      real.region.u8.set(bytes, offset);
      sent.push(bytes);
      real.list.addOut(real.region, offset, length);
    } else real.list.addIn(real.region, offset, length);
  }
  const free = model.free();
  const tablesFree = tables - outstanding.filter(({ table }) => table).length;
  const table = count > 1 && count <= tableLength && tablesFree > 0 && free > 0;
  const cost = table ? 1 : count;
  const fits = cost <= free;
  const pending = model.kicked < model.added.length;
  let added = false;
  const rung = ringing(real, () => {
    added = deferred ? real.guest.addDeferred(real.list, token) : real.guest.add(real.list, token);
  });
  assert.equal(added, fits, 'room for a request');
  if (fits) {
    assert.equal(rung, 0, 'rings of an add');
    model.added.push({
      token,
      slot,
      out,
      in: room,
      sent: Buffer.concat(sent),
      cost,
      table,
      request: null,
      answer: Buffer.alloc(0),
    });
  }
  if (!deferred || !fits) model.shown = model.added.length;
  if (fits) return;
  // A driver that cannot send makes the host take what it has; one that only offers room kicks where it must.
  if (out.length > 0) {
    assert.equal(rung, 1, 'rings of a full ring');
    model.hostWaits = false;
  } else assert.equal(rung, pending && kickWanted(model) ? 1 : 0, 'rings of a ring full of room');
}

/** Whether a kick is required now; from then on those entries are told. */
function kickWanted(model: Model): boolean {
  const { setup, kicked, shown } = model;
  const wanted = setup.eventIdx ? kicked <= model.kickAt && model.kickAt < shown : model.kicksOn;
  // Whoever was let wait and asked for no less since must be told of the first entry behind.
  if (model.hostWaits && shown > kicked && shown > model.taken) assert.ok(wanted, 'a host that waits is kicked');
  if (wanted) model.hostWaits = false;
  model.kicked = shown;
  return wanted;
}

function callWanted(model: Model): boolean {
  const { setup, called, published } = model;
  if (called === published) return false;
  const passed = called === null || (called <= model.callAt && model.callAt < published);
  const wanted = setup.eventIdx ? passed : model.callsOn;
  if (model.guestWaits && published > model.callAt) assert.ok(wanted, 'a guest that waits is called');
  if (wanted) model.guestWaits = false;
  model.called = published;
  return wanted;
}

function askCall(model: Model, ahead: number): void {
  model.callsOn = true;
  model.callAt = model.back + ahead;
}

function getBuf(model: Model, real: Real): void {
  const token = real.guest.getBuf();
  if (model.back === model.published) {
    assert.equal(token, EMPTY, 'nothing is finished');
    return;
  }
  const one = model.completed[model.back]!;
  assert.equal(token, one.token, 'token');
  assert.equal(real.guest.usedLength, one.answer.length, 'used length');
  const room = one.in.map((length, i) => {
    const offset = one.slot * SLOT_BYTES + (one.out.length + i) * ELEMENT_STRIDE;
    return real.region.u8.slice(offset, offset + length);
  });
  assert.deepEqual(Buffer.concat(room).subarray(0, one.answer.length), one.answer, 'bytes answered');
  model.back++;
  model.guestWaits = false;
  if (model.setup.eventIdx && model.callsOn) model.callAt = model.back;
}

function next(model: Model, real: Real): void {
  const request = new Request(real.memory);
  const found = real.host.next(request);
  assert.equal(found, model.taken < model.shown, 'something to take');
  if (!found) return;
  const one = model.added[model.taken]!;
  const sent = Buffer.alloc(one.sent.length + 1);
  assert.equal(request.readable.pull(sent, 0, sent.length), one.sent.length, 'bytes to read');
  assert.deepEqual(sent.subarray(0, one.sent.length), one.sent, 'bytes sent');
  assert.equal(
    request.writable.totalBytes(),
    one.in.reduce((sum, length) => sum + length, 0),
    'room to write',
  );
  one.request = request;
  model.taken++;
  model.held.push(one);
  model.hostWaits = false;
  if (model.setup.kickAsItGoes && model.setup.eventIdx && model.kicksOn) model.kickAt = model.taken;
}

function complete(model: Model, real: Real, pick: number, share: number, deferred: boolean): void {
  const one = model.held[pick % model.held.length]!;
  const room = one.in.reduce((sum, length) => sum + length, 0);
  one.answer = bytesOf(Math.floor(share * room), one.token + 100);
  assert.equal(one.request!.writable.push(one.answer, 0, one.answer.length), one.answer.length);
  if (deferred) real.host.completeDeferred(one.request!, one.answer.length);
  else real.host.complete(one.request!, one.answer.length);
  model.held = model.held.filter((other) => other !== one);
  model.completed.push(one);
  if (!deferred) model.published = model.completed.length;
}

/** How many of the requests taken last are not completed. */
const rewindable = (model: Model): number => {
  let count = 0;
  while (count < model.taken && model.held.includes(model.added[model.taken - 1 - count]!)) count++;
  return count;
};

function rewind(model: Model, real: Real, wanted: number): void {
  const count = Math.min(wanted, rewindable(model));
  real.host.rewind(count);
  model.taken -= count;
  // It has something to do by its own doing.
  if (count > 0) model.hostWaits = false;
  model.held = model.held.filter((one) => model.added.indexOf(one) < model.taken);
}

/** Every call without arguments. */
const PLAIN: readonly Call[] = [
  new Call('guest.publish', (model, { guest }) => {
    guest.publish();
    model.shown = model.added.length;
  }),
  new Call('guest.kick', (model, real) => {
    let kicked = false;
    const rung = ringing(real, () => {
      kicked = real.guest.kick();
    });
    assert.equal(kicked, kickWanted(model), 'a kick');
    assert.equal(rung, kicked ? 1 : 0);
  }),
  new Call('guest.getBuf', getBuf),
  new Call('guest.disableCalls', (model, { guest }) => {
    guest.disableCalls();
    model.callsOn = false;
    model.guestWaits = false;
  }),
  new Call('guest.enableCalls', (model, { guest }) => {
    askCall(model, 0);
    model.guestWaits = model.published === model.back;
    assert.equal(guest.enableCalls(), model.guestWaits, 'safe to wait');
  }),
  new Call('guest.enableCallsDelayed', (model, { guest }) => {
    askCall(model, Math.floor(((model.shown - model.back) * 3) / 4));
    model.guestWaits = model.published <= model.callAt;
    assert.equal(guest.enableCallsDelayed(), model.guestWaits, 'safe to wait for most');
  }),
  new Call('guest.look', (model, { guest }) => assert.equal(guest.look(), model.published - model.back, 'finished')),
  new Call('guest.callDue', (model, { guest }) =>
    assert.equal(guest.callDue(), model.published > Math.max(model.callAt, model.back), 'a call is due'),
  ),
  new Call('host.next', next),
  new Call('host.publish', (model, { host }) => {
    host.publish();
    model.published = model.completed.length;
  }),
  new Call('host.needsCall', (model, { host }) => assert.equal(host.needsCall(), callWanted(model), 'a call')),
  new Call('host.disableKicks', (model, { host }) => {
    host.disableKicks();
    model.kicksOn = false;
    model.hostWaits = false;
  }),
  new Call('host.enableKicks', (model, { host }) => {
    model.kicksOn = true;
    model.kickAt = model.taken;
    model.hostWaits = model.taken === model.shown;
    assert.equal(host.enableKicks(), model.hostWaits, 'safe to wait');
  }),
  new Call('host.look', (model, { host }) => assert.equal(host.look(), model.shown - model.taken, 'available')),
  new Call('host.hasAvailable', (model, { host }) =>
    assert.equal(host.hasAvailable(), model.taken < model.shown, 'something available'),
  ),
];

const lengths = fc.array(fc.integer({ min: 1, max: ELEMENT_STRIDE }), { maxLength: ELEMENTS_MAX / 2 });
const holding = (model: Model) => model.held.length > 0;

const adding = fc.record({ out: lengths, room: lengths, deferred: fc.boolean() }).map(
  ({ out, room, deferred }) =>
    new Call(
      `guest.add${deferred ? 'Deferred' : ''}(${out} | ${room})`,
      (model, real) => add(model, real, out, room, deferred),
      ({ setup }) => out.length + room.length > 0 && out.length + room.length <= setup.size,
    ),
);
const completing = fc
  .record({ pick: fc.nat(63), share: fc.constantFrom(0, 0.3, 1), deferred: fc.boolean() })
  .map(
    ({ pick, share, deferred }) =>
      new Call(
        `host.complete${deferred ? 'Deferred' : ''}(${pick}, ${share})`,
        (model, real) => complete(model, real, pick, share, deferred),
        holding,
      ),
  );
const rewinding = fc
  .integer({ min: 1, max: 4 })
  .map((count) => new Call(`host.rewind(${count})`, (model, real) => rewind(model, real, count), holding));
const often = PLAIN.filter((call) => /getBuf|next|kick$|publish|needsCall/.test(call.toString()));

/** What sequences are made of; what moves requests is there more often. */
export const commandArbitraries: fc.Arbitrary<Command>[] = [
  adding,
  adding,
  adding,
  completing,
  completing,
  rewinding,
  fc.constantFrom(...PLAIN),
  fc.constantFrom(...PLAIN),
  fc.constantFrom(...often),
  fc.constantFrom(...often),
];

/** Both ends finish what there is: every request comes back, once. */
export function drain(model: Model, real: Real): void {
  const run = (name: string) => PLAIN.find((call) => call.toString() === name)!.run(model, real);
  run('guest.publish');
  while (model.taken < model.shown) run('host.next');
  while (model.held.length > 0) complete(model, real, 0, 1, false);
  run('host.publish');
  while (model.back < model.published) run('guest.getBuf');
  assert.equal(model.back, model.added.length);
  assert.equal(real.guest.freeDescriptors, real.guest.size);
  run('guest.getBuf');
  run('host.next');
}
