/**
 * The program `serve` as a process, and frontends that make what they share block: descriptors of each kind, in each
 * place where the protocol takes one. Whatever they do, the next frontend is served, and SIGTERM ends the program.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setNonBlocking } from '../../src/native/descriptors.ts';
import { addEventfd, takeEventfd } from '../../src/native/eventfd.ts';
import { whyUnavailable } from '../../src/native/libc.ts';
import { fillEventfd, lingeringSocket, makeBlocking } from '../../src/native/odd-blocking.ts';
import { ODD_DESCRIPTORS, type OddDescriptorKind } from '../../src/native/odd-descriptors.ts';
import { connectUnix, sendBytes } from '../../src/native/unix-socket.ts';
import { VRING_DESC_F_WRITE } from '../../src/ring/constants.ts';
import { file, TestFrontend, TestGuest, until } from '../../src/vhost-user/backend/test-frontend.ts';
import {
  VHOST_USER_SET_BACKEND_REQ_FD,
  VHOST_USER_SET_LOG_FD,
  VHOST_USER_SET_MEM_TABLE,
  VHOST_USER_SET_VRING_KICK,
  VHOST_USER_SET_VRING_NUM,
} from '../../src/vhost-user/messages/protocol.ts';
import { SocketChannel } from '../../src/vhost-user/messages/socket-channel.ts';

const skip = whyUnavailable() ?? false;
const timeout = 120_000;
const program = fileURLToPath(new URL('../main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'vringbench-hostile-serve-'));
after(() => rmSync(folder, { recursive: true }));

const bit = (number: number) => 1n << BigInt(number);
const FEATURES = bit(32) | bit(30);
const LOG_ALL = bit(26);
/** MQ, LOG_SHMFD, REPLY_ACK, BACKEND_REQ, INFLIGHT_SHMFD, INBAND_NOTIFICATIONS. */
const PROTOCOL = [0, 1, 3, 5, 12, 14].reduce((word, number) => word | bit(number), 0n);
const DATA = 65536;

/** A guest of an entropy device, whose requests are four bytes of room. */
class Guest {
  readonly frontend: TestFrontend;
  readonly guest = new TestGuest(1);
  readonly socket: number;
  private readonly opened: (() => void)[] = [];
  private head = 0;

  constructor(path: string) {
    this.socket = connectUnix(path);
    this.frontend = new TestFrontend(new SocketChannel(this.socket));
  }

  async setUp(): Promise<void> {
    await this.frontend.negotiate(FEATURES, PROTOCOL);
    await this.frontend.setMemory(this.guest);
    await this.frontend.setUp(this.guest, 0);
    await this.ask();
  }

  get ring() {
    return this.guest.ring(0);
  }

  offer(): void {
    const { driver } = this.ring;
    driver.writeChain(this.head, [{ offset: DATA, length: 4, flags: VRING_DESC_F_WRITE }]);
    driver.offer(this.head);
    this.head = (this.head + 1) % this.ring.size;
  }

  async ask(): Promise<void> {
    this.offer();
    addEventfd(this.ring.kick);
    await until(() => this.ring.driver.readUsed() !== null, 'an answer');
  }

  /** Takes its calls by a descriptor that is made to block once the backend has it. */
  async callsInVain(kind: OddDescriptorKind): Promise<void> {
    const call = this.odd(kind);
    const handles = [file(call)];
    await this.frontend.value({ request: 'SET_VRING_CALL', index: 0, noDescriptor: false, handles });
    makeBlocking(call);
    this.offer();
    addEventfd(this.ring.kick);
    await this.synchronize();
  }

  /** All that was sent was taken. */
  async synchronize(): Promise<void> {
    assert.notEqual(await this.frontend.value({ request: 'GET_FEATURES' }), 0n);
  }

  /** A descriptor of a kind, open until the guest is closed. */
  odd(kind: OddDescriptorKind): number {
    const { descriptor, close } = ODD_DESCRIPTORS[kind]();
    this.opened.push(close);
    return descriptor;
  }

  /** Sends a message as it is, with a descriptor that blocks in `close`, and of which the backend then has the last. */
  give(request: number, count = 1): void {
    const lingering = lingeringSocket();
    this.opened.push(() => lingering.close());
    const frame = new Uint8Array(20);
    const view = new DataView(frame.buffer);
    view.setUint32(0, request, true);
    view.setUint32(4, 1, true);
    view.setUint32(8, 8, true);
    sendBytes(
      this.socket,
      frame,
      0,
      frame.length,
      Array.from({ length: count }, () => lingering.descriptor),
    );
    lingering.giveAway();
  }

  close(): void {
    this.frontend.channel.close();
    for (const close of this.opened) close();
    this.guest.close();
  }
}

/** A peer makes one of its eventfds block, with the counter as full as it can be. */
function fillAndBlock(descriptor: number): void {
  takeEventfd(descriptor);
  fillEventfd(descriptor);
  makeBlocking(descriptor);
}

/** What a frontend does once it is served. What the backend makes of it is seen from the next one. */
const HOSTILE: Record<string, (guest: Guest) => Promise<void> | void> = {
  'its call eventfd, made to block and full': async (guest) => {
    fillAndBlock(guest.ring.call);
    await guest.ask();
    guest.offer();
    addEventfd(guest.ring.kick);
  },
  'its call, a pipe made to block and full': (guest) => guest.callsInVain('a pipe that is full and blocks'),
  'its call, a socket made to block and full': (guest) => guest.callsInVain('a socket that is full and blocks'),
  'its call, a TCP socket made to block and full': (guest) =>
    guest.callsInVain('a TCP socket that is full and lingers'),
  'its call, a terminal made to block and full': (guest) => guest.callsInVain('a terminal that is full and blocks'),
  'its kick eventfd, made to block and emptied as soon as it is rung': (guest) => {
    makeBlocking(guest.ring.kick);
    for (let i = 0; i < 2000; i++) {
      addEventfd(guest.ring.kick);
      setNonBlocking(guest.ring.kick);
      takeEventfd(guest.ring.kick);
      makeBlocking(guest.ring.kick);
    }
  },
  'its err eventfd, made to block and full': async (guest) => {
    fillAndBlock(guest.ring.err);
    guest.ring.driver.putHead(999);
    guest.ring.driver.publish();
    addEventfd(guest.ring.kick);
    await guest.synchronize();
  },
  'the call of its log, made to block and full': async (guest) => {
    const { frontend, ring } = guest;
    const log = {
      request: 'SET_LOG_BASE',
      sizeBytes: 4096n,
      offsetBytes: 0n,
      handles: [file(guest.odd('a memfd'))],
    } as const;
    assert.equal(await frontend.value(log), 0n);
    fillAndBlock(ring.err);
    assert.equal(await frontend.value({ request: 'SET_LOG_FD', handles: [file(ring.err)] }), 0n);
    makeBlocking(ring.err);
    assert.equal(await frontend.value({ request: 'SET_FEATURES', value: FEATURES | LOG_ALL }), 0n);
    makeBlocking(ring.err);
    guest.offer();
    addEventfd(ring.kick);
  },
  'its channel for the backend, a socket that is full': async (guest) => {
    const handles = [file(guest.odd('a socket that is full and blocks'))];
    await guest.frontend.value({ request: 'SET_BACKEND_REQ_FD', handles });
    await guest.frontend.value({ request: 'SET_VRING_CALL', index: 0, noDescriptor: true });
    await guest.ask();
    guest.offer();
    addEventfd(guest.ring.kick);
  },
  'a socket that lingers, with a message that takes none': (guest) => guest.give(VHOST_USER_SET_VRING_NUM),
  'a socket that lingers, as its channel for the backend': (guest) => guest.give(VHOST_USER_SET_BACKEND_REQ_FD),
  'a socket that lingers, as the call of its log': (guest) => guest.give(VHOST_USER_SET_LOG_FD),
  'a socket that lingers, as its kick': (guest) => guest.give(VHOST_USER_SET_VRING_KICK),
  'a socket that lingers, as its memory': (guest) => guest.give(VHOST_USER_SET_MEM_TABLE),
  'a socket that lingers, more often than a message may carry': (guest) => guest.give(VHOST_USER_SET_VRING_NUM, 40),
  'sockets that linger, in messages that are never taken': (guest) => {
    guest.give(0xffff);
    try {
      for (let i = 0; i < 10; i++) guest.give(VHOST_USER_SET_VRING_NUM);
    } catch {
      // The backend has hung up already.
    }
  },
};

interface Served {
  readonly path: string;
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
}

async function serve(name: string, ...args: string[]): Promise<Served> {
  const path = join(folder, `${name}.sock`);
  const child = spawn(process.execPath, [program, 'serve', 'rng', '--socket', path, ...args], { stdio: 'ignore' });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await until(() => existsSync(path), 'the server to listen');
  return { path, child, ended };
}

for (const args of [[], ['--threads']])
  test(`hostile serve ${args.join(' ')}: the next frontend is served, and SIGTERM ends it`, {
    skip,
    timeout,
  }, async () => {
    const { path, child, ended } = await serve(`served${args.join('')}`, ...args);
    try {
      for (const [what, act] of Object.entries(HOSTILE)) {
        const hostile = new Guest(path);
        let next: Guest | null = null;
        try {
          await hostile.setUp();
          await act(hostile);
          hostile.frontend.channel.close();
          next = new Guest(path);
          await next.setUp();
        } catch (cause) {
          throw new Error(what, { cause });
        } finally {
          next?.close();
          hostile.close();
        }
      }
      const last = new Guest(path);
      await last.setUp();
      fillAndBlock(last.ring.call);
      for (let i = 0; i < 8; i++) last.offer();
      addEventfd(last.ring.kick);
      child.kill('SIGTERM');
      assert.equal(await ended, 0);
      last.close();
    } finally {
      child.kill('SIGKILL');
    }
  });
