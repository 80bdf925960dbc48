/**
 * Our block backend killed under load, again and again, with one in-flight area and rings as QEMU 10 has them: asked
 * for 128 descriptors, a firmware's ring of 256, then Linux's of 1024. Every request is answered, once.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as loopTurn } from 'node:timers/promises';
import { addEventfd } from '../../native/eventfd.ts';
import { leavingNoneOpen } from '../../native/test-leaks.ts';
import { connectUnix } from '../../native/unix-socket.ts';
import { VRING_DESC_F_WRITE } from '../../ring/constants.ts';
import { inLength } from '../../test-length.ts';
import { TestFrontend, TestGuest, until } from '../backend/test-frontend.ts';
import type { Handle } from '../messages/handle.ts';
import { SocketChannel } from '../messages/socket-channel.ts';
import { skips, type TestBackend, withBackend } from './test-backends.ts';

const FEATURES = (1n << 32n) | (1n << 30n);
/** REPLY_ACK, INFLIGHT_SHMFD. */
const PROTOCOL = (1n << 3n) | (1n << 12n);
const SHAPE = { queues: 1, queueSize: 128 };
const KILLS = inLength(4, 40);
/** Requests between two kills. */
const LOAD = 300;

const SECTORS = 2048;
const HEAD_STRIDE = 4;
const SECTOR_BYTES = 512;
const HEADER_BYTES = 16;
const STATUS_AT = 600;
const UNTOUCHED = 0xff;
const BLOCK_OUT = 1;

/** One guest's queue of block writes, over one backend after the other. */
class Load {
  readonly guest = new TestGuest(1);
  private frontend: TestFrontend | null = null;
  private readonly outstanding = new Set<number>();
  private readonly backend: TestBackend;
  private area: { sizeBytes: bigint; offsetBytes: bigint; handles: readonly Handle[] } | null = null;
  answered = 0;
  private next = 0;

  constructor(backend: TestBackend) {
    this.backend = backend;
  }

  /** Connects, hands the area over, or asks for one. */
  async connect(): Promise<void> {
    const frontend = new TestFrontend(new SocketChannel(connectUnix(this.backend.socket)));
    this.frontend = frontend;
    await frontend.negotiate(FEATURES, PROTOCOL);
    await frontend.setMemory(this.guest);
    if (this.area === null) {
      const reply = await frontend.ask({ request: 'GET_INFLIGHT_FD', sizeBytes: 0n, offsetBytes: 0n, ...SHAPE });
      this.area = reply;
    }
    const { sizeBytes, offsetBytes, handles } = this.area;
    const handBack = { request: 'SET_INFLIGHT_FD', sizeBytes, offsetBytes, ...SHAPE, handles } as const;
    assert.equal(await frontend.value(handBack), 0n);
  }

  /** A ring from its start. */
  async begin(size: number): Promise<void> {
    this.guest.remake(0, size);
    await this.frontend!.setUp(this.guest, 0, 0);
  }

  /** The next backend: the ring as it is, and where it is as QEMU finds it, in the used ring. */
  async goOn(): Promise<void> {
    const { driver } = this.guest.ring(0);
    await this.frontend!.setUp(this.guest, 0, driver.ring.places.used.region.u16[driver.ring.usedIdx >>> 1]!);
    addEventfd(this.guest.ring(0).kick);
  }

  /** Offers and takes back until `count` more are answered; the ring is full all the time. */
  async answer(count: number): Promise<void> {
    const wanted = this.answered + count;
    while (this.answered < wanted) {
      this.fill();
      this.collect();
      await loopTurn();
    }
  }

  async finish(): Promise<void> {
    await until(() => {
      this.collect();
      return this.outstanding.size === 0;
    }, 'the last answers');
    const { availIdx, lastUsedIdx } = this.guest.ring(0).driver;
    assert.equal(lastUsedIdx, availIdx);
  }

  stop(): Promise<number> {
    return this.frontend!.stop(0);
  }

  hangUp(): void {
    this.frontend?.channel.close();
  }

  close(): void {
    this.hangUp();
    this.frontend?.channel.release(this.area?.handles ?? []);
    this.guest.close();
  }

  private fill(): void {
    const { size, data, driver, kick } = this.guest.ring(0);
    for (let tried = 0; tried < size / HEAD_STRIDE; tried++) {
      const head = (HEAD_STRIDE * this.next++) % size;
      if (this.outstanding.has(head)) continue;
      const offset = data + 256 * head;
      this.guest.view.u32.set([BLOCK_OUT, 0, this.next % SECTORS, 0], offset / 4);
      this.guest.view.u8[offset + STATUS_AT] = UNTOUCHED;
      driver.writeChain(head, [
        { offset, length: HEADER_BYTES + SECTOR_BYTES },
        { offset: offset + STATUS_AT, length: 1, flags: VRING_DESC_F_WRITE },
      ]);
      this.outstanding.add(head);
      driver.offer(head);
    }
    addEventfd(kick);
  }

  private collect(): void {
    const { data, driver } = this.guest.ring(0);
    for (let used = driver.readUsed(); used !== null; used = driver.readUsed()) {
      assert.ok(this.outstanding.delete(used.id), `head ${used.id} is answered, and nobody waits for it`);
      assert.equal(this.guest.view.u8[data + 256 * used.id + STATUS_AT], 0, 'a write’s status');
      this.answered++;
    }
  }
}

test('in-flight area: a backend that dies under load, with rings larger than were told', { skip: skips.own }, () =>
  leavingNoneOpen(() =>
    withBackend({ kind: 'own', sizeBytes: SECTORS * SECTOR_BYTES }, async (backend) => {
      const load = new Load(backend);
      try {
        await load.connect();
        await load.begin(256);
        await load.answer(LOAD);
        await load.finish();
        assert.equal(await load.stop(), load.answered);
        await load.begin(1024);
        for (let kill = 0; kill < KILLS; kill++) {
          await load.answer(LOAD);
          await backend.kill();
          load.hangUp();
          await backend.start();
          await load.connect();
          await load.goOn();
        }
        await load.finish();
        // Stopped and begun anew, in the smaller ring's part again.
        await load.stop();
        await load.begin(256);
        await load.answer(LOAD);
        await load.finish();
      } finally {
        load.close();
      }
    }),
  ),
);
