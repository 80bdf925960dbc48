/** Plays a case on a guest half: each step done to it and asked of the oracle. */
import { ScatterList } from '../guest/scatter-list.ts';
import { MockDevice } from '../host/mock-device.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { compareOutcome, type Expected, outcomeOf, same } from '../ring-oracle/answer.ts';
import { GuestOracle, type OracleElement } from '../ring-oracle/guest-oracle.ts';
import type { Reads } from '../ring-oracle/reads.ts';
import type { GuestHalf, Halves } from './halves.ts';
import { HostileDevice } from './peers.ts';
import type { CaseElement, DeviceAct, GuestCall, GuestCase } from './ring-case.ts';
import { REGIONS, TABLES_AT, type World } from './world.ts';

/** The longest request has 64 elements. */
const ACCESSES_MAX = 1000;

interface Trial {
  readonly act: () => unknown;
  /** Of the call, after it returned (undefined if it threw). */
  readonly expect: (reads: Reads, returned: unknown) => Expected & { readonly rings: number };
}

export class GuestPlayer {
  /** Requests taken back. */
  requests = 0;
  readonly refusals: string[] = [];
  private readonly world: World;
  private readonly watched: boolean;
  private readonly device: HostileDevice;
  private readonly queue: GuestHalf;
  private readonly oracle: GuestOracle;
  private rings = 0;
  private token = 0;
  private prepared: number | null = null;
  private detached = false;

  constructor(world: World, one: GuestCase, halves: Halves) {
    const { startIndex, indirect, eventIdx, tables, tableLength } = one;
    this.world = world;
    this.watched = halves.watched;
    world.reset(ACCESSES_MAX);
    const { ring, plan, seen } = world.ring(one, halves.watched);
    const shared = bindRing(seqcst, ring);
    shared.avail.store16(ring.availIdx, startIndex);
    if (eventIdx) shared.used.store16(ring.availEvent, 0);
    this.device = new HostileDevice(new MockDevice({ ring, shared, startIndex }));
    const { home } = seen;
    const pool = { region: home, offset: TABLES_AT, tableCount: tables, tableLength };
    world.adopt();
    world.begin([]);
    this.queue = halves.guest({
      ring: seen.ring,
      shared: seen.shared,
      features: { indirect, eventIdx, version1: true },
      doorbell: {
        ring: () => {
          this.rings++;
        },
        rings: 0,
        wakeSyscalls: 0,
        resetCounters: () => {},
      },
      ...(indirect ? { tables: pool } : {}),
      privateArea: world.privateArea(),
      startIndex,
    });
    const place = { at: home.byteOffset + TABLES_AT, address: BigInt(home.guestBase + TABLES_AT) };
    const oraclePool = { ...place, tableCount: tables, tableLength };
    this.oracle = new GuestOracle({ ring: plan, eventIdx, pool: indirect ? oraclePool : null, startIndex });
    world.end(this.watched, world.readsOf(this.watched), this.oracle.setUp().writes);
  }

  /** @throws Disagreement */
  play(step: DeviceAct | GuestCall): void {
    if ('act' in step) {
      this.world.peer(() => this.device.act(step));
      return;
    }
    const trial = this.trial(step);
    if (trial === null) return;
    const { world, oracle, queue } = this;
    const rung = this.rings;
    const during = this.watched ? (step.during ?? []) : [];
    world.begin(during.map(({ at, act }) => ({ at, act: () => this.device.act(act) })));
    const outcome = outcomeOf(trial.act);
    const reads = world.readsOf(this.watched);
    const expected = trial.expect(reads, 'returned' in outcome ? outcome.returned : undefined);
    const wrong = compareOutcome(outcome, expected);
    world.end(this.watched, reads, expected.writes);
    if (wrong !== null) this.refusals.push(wrong.code);
    same('rings', this.rings - rung, expected.rings);
    same('isBroken', queue.isBroken, oracle.broken !== null);
    same('freeDescriptors', queue.freeDescriptors, oracle.freeDescriptors());
    same('clampedLengths', queue.clampedLengths, oracle.clampedLengths);
    same('usedLength', queue.usedLength, oracle.usedLength);
    same('claimedLength', queue.claimedLength, oracle.claimedLength);
  }

  /** Null: nothing to be done, now that the steps before left it so. */
  private trial(step: GuestCall): Trial | null {
    const { queue, oracle } = this;
    // After the first request was taken back by force the ring is to be set up anew.
    if (this.detached && step.call !== 'detachUnused') return null;
    switch (step.call) {
      case 'add':
      case 'addDeferred':
        return this.add(step.out, step.in, step.call === 'addDeferred');
      case 'publish':
        return { act: () => queue.publish(), expect: () => oracle.publish() };
      case 'kick':
        return { act: () => queue.kick(), expect: (reads) => oracle.kick(reads) };
      case 'kickPrepare':
        return { act: () => queue.kickPrepare(), expect: (reads) => oracle.kick(reads, false) };
      case 'notify':
        return { act: () => queue.notify(), expect: () => ({ writes: [], rings: 1 }) };
      case 'getBuf':
        return {
          act: () => queue.getBuf(),
          expect: (reads, returned) => {
            if (returned !== undefined && returned !== -1) this.requests++;
            return oracle.getBuf(reads);
          },
        };
      case 'look':
        return { act: () => queue.look(), expect: (reads) => oracle.look(reads) };
      case 'callDue':
        return { act: () => queue.callDue(), expect: (reads) => oracle.callDue(reads) };
      case 'disableCalls':
        return { act: () => queue.disableCalls(), expect: () => oracle.disableCalls() };
      case 'enableCalls':
        return { act: () => queue.enableCalls(), expect: (reads) => oracle.enableCalls(reads) };
      case 'enableCallsDelayed':
        return { act: () => queue.enableCallsDelayed(), expect: (reads) => oracle.enableCallsDelayed(reads) };
      case 'enableCallsPrepare':
        return {
          act: () => {
            this.prepared = queue.enableCallsPrepare();
            return this.prepared;
          },
          expect: () => oracle.prepareCalls(),
        };
      case 'poll': {
        const { prepared } = this;
        if (prepared === null) return null;
        return { act: () => queue.poll(prepared), expect: (reads) => oracle.poll(reads, prepared) };
      }
      case 'detachUnused':
        this.detached = true;
        return {
          act: () => queue.detachUnused(),
          expect: (_, returned) => oracle.detachUnused(Number(returned)),
        };
    }
  }

  private add(out: readonly CaseElement[], room: readonly CaseElement[], deferred: boolean): Trial | null {
    const { queue, oracle, world } = this;
    const count = out.length + room.length;
    if (count === 0 || count > queue.size) return null;
    const token = this.token++;
    const own = token % 2 === 0 ? queue.elements : undefined;
    const list = own?.reset() ?? new ScatterList(count);
    for (const { region, offset, length } of out) list.addOut(world.regions[region]!, offset, length);
    for (const { region, offset, length } of room) list.addIn(world.regions[region]!, offset, length);
    const elements = [...out.map((one) => elementOf(one, false)), ...room.map((one) => elementOf(one, true))];
    const writes = (at: number, width: number) =>
      this.watched
        ? world.writes.filter((write) => write.at === at && write.width === width)
        : world.standing(at, width);
    return {
      act: () => (deferred ? queue.addDeferred(list, token) : queue.add(list, token)),
      expect: (reads, returned) => oracle.add(elements, token, { added: returned === true, deferred, writes, reads }),
    };
  }
}

const elementOf = ({ region, offset, length }: CaseElement, writable: boolean): OracleElement => ({
  address: BigInt(REGIONS[region]!.guestBase) + BigInt(offset),
  length,
  writable,
});
