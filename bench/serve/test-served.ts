/** For tests: the program `serve` as a process, and guests of its entropy device that do what they like. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { addEventfd } from '../../src/native/eventfd.ts';
import { lingeringSocket, makeBlocking } from '../../src/native/odd-blocking.ts';
import { ODD_DESCRIPTORS, type OddDescriptorKind } from '../../src/native/odd-descriptors.ts';
import { connectUnix, sendBytes } from '../../src/native/unix-socket.ts';
import { VRING_DESC_F_WRITE } from '../../src/ring/constants.ts';
import { file, TestFrontend, TestGuest, until } from '../../src/vhost-user/backend/test-frontend.ts';
import { SocketChannel } from '../../src/vhost-user/messages/socket-channel.ts';

const program = fileURLToPath(new URL('../main.js', import.meta.url));

const bit = (number: number) => 1n << BigInt(number);
export const FEATURES = bit(32) | bit(30);
export const LOG_ALL = bit(26);
/** MQ, LOG_SHMFD, REPLY_ACK, BACKEND_REQ, INFLIGHT_SHMFD, INBAND_NOTIFICATIONS. */
const PROTOCOL = [0, 1, 3, 5, 12, 14].reduce((word, number) => word | bit(number), 0n);
const DATA = 65536;

/** A guest of an entropy device, whose requests are four bytes of room. */
export class HostileGuest {
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

  readonly offer = (): void => {
    const { driver } = this.ring;
    driver.writeChain(this.head, [{ offset: DATA, length: 4, flags: VRING_DESC_F_WRITE }]);
    driver.offer(this.head);
    this.head = (this.head + 1) % this.ring.size;
  };

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

  /** Names, for what is in flight, what can be none: that is refused, and the ring is served on. */
  async tracksIn(kind: OddDescriptorKind): Promise<void> {
    assert.equal(await this.frontend.stop(0), 1);
    const handles = [file(this.odd(kind))];
    const area = { sizeBytes: 4096n, offsetBytes: 0n, queues: 1, queueSize: 16, handles };
    assert.notEqual(await this.frontend.value({ request: 'SET_INFLIGHT_FD', ...area }), 0n);
    await this.frontend.setUp(this.guest, 0, 1);
    await this.ask();
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

export interface Served {
  readonly path: string;
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
}

/** Resolves once it listens at `path`: the socket's file is there a moment before. */
export async function serve(path: string, ...args: string[]): Promise<Served> {
  const all = [program, 'serve', 'rng', '--socket', path, ...args];
  const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await until(() => said.includes('listening at'), 'the server to listen');
  return { path, child, ended };
}
