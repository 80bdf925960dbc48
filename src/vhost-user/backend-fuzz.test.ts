/**
 * Sessions of random requests in random order, most of them almost right: whatever comes, a session ends by itself or
 * by a ProtocolError, no queue is left in service, and every handle is given back exactly once. First without an
 * operating system, then over sockets, with memory full of random bytes and descriptors of every kind.
 */
import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { closeDescriptor } from '../native/descriptors.ts';
import { addEventfd, closeEventfd, openEventfd } from '../native/eventfd.ts';
import { whyUnavailable } from '../native/libc.ts';
import { mapFile } from '../native/mapping.ts';
import { openMemfd } from '../native/memfd.ts';
import { leavingNoneOpen } from '../native/test-leaks.ts';
import { connectUnix, socketPair } from '../native/unix-socket.ts';
import { PROTOCOL_ERRORS, ProtocolError } from './errors.ts';
import { LocalDevice } from './local-device.ts';
import { encode } from './message.ts';
import { type ServerEvent, VhostUserServer } from './server.ts';
import { SocketChannel } from './socket-channel.ts';
import { EchoDevice } from './test-echo-device.ts';
import { file, TestFrontend, TestGuest, until } from './test-frontend.ts';
import { Choices, honestMessages, type RandomHandles, randomMessage } from './test-random-messages.ts';
import { aFile, aSocket, FakeDevice, play, type Step } from './test-session.ts';

const SEED = 5;
const SESSIONS = 2000;
const STEPS = 40;

test('backend session: random requests in random order', async () => {
  const choose = new Choices(SEED);
  const handles: RandomHandles = { memory: aFile, event: aFile, wrong: aSocket };
  let served = 0;
  const codes = new Map<string, number>();
  for (let session = 0; session < SESSIONS; session++) {
    const device = new FakeDevice();
    const honest = honestMessages(handles).map((raw): Step => ({ raw }));
    const steps = choose.below(2) === 0 ? honest : honest.slice(0, 1);
    while (steps.length < STEPS) {
      steps.push({ raw: randomMessage(choose, handles) });
      if (choose.below(50) === 0) {
        const runner = device.runner(choose.below(2));
        runner.fails = choose.often() ? null : new Error('it cannot');
        steps.push({ run: () => runner.events?.broken(new Error('it lies')) });
      }
    }
    const { ended } = await play(steps, { device });
    if (ended !== null) {
      assert.ok(ended in PROTOCOL_ERRORS, `session ${session} ended with: ${ended}`);
      codes.set(ended, (codes.get(ended) ?? 0) + 1);
    }
    served += device.runners.filter(({ notes }) => notes.includes('start')).length;
  }
  // Random, but not in vain: queues ran, and many kinds of misbehaviour were met.
  assert.ok(served > SESSIONS / 2, `only ${served} queues were ever in service`);
  assert.ok(codes.size > 10, [...codes.keys()].join(' '));
});

const SOCKET_SESSIONS = 300;
const MEMORY_BYTES = 2 ** 21;

/** Sends all of it and waits until the server is through with it, or has had enough. */
async function abuse(channel: SocketChannel, choose: Choices, handles: RandomHandles, kick: () => void): Promise<void> {
  const end = encode({ request: 'GET_STATUS', needsReply: true });
  const answers = (async () => {
    for (let answer = await channel.receive(); answer !== null; answer = await channel.receive()) {
      channel.release(answer.handles);
      if (answer.request === end.request) break;
    }
  })();
  // It may fail while something is sent; that is looked at below.
  answers.catch(() => {});
  try {
    const honest = honestMessages(handles);
    for (const message of choose.below(2) === 0 ? honest : honest.slice(0, 1)) await channel.send(message);
    for (let i = choose.below(STEPS); i > 0; i--) {
      await channel.send(randomMessage(choose, handles));
      kick();
    }
    await channel.send(end);
    await answers;
  } catch {
    // It was sent away.
  }
  channel.close();
  await answers.catch(() => {});
}

test(
  'server: random sessions with real descriptors, and the next honest frontend',
  { skip: whyUnavailable() ?? false },
  () =>
    leavingNoneOpen(async () => {
      const choose = new Choices(SEED);
      const folder = mkdtempSync(join(tmpdir(), 'vringbench-fuzz-'));
      const path = join(folder, 'socket');
      writeFileSync(join(folder, 'file'), new Uint8Array(100));
      const events: ServerEvent[] = [];
      const device = new LocalDevice(new EchoDevice({ queueCount: 2 }));
      const server = new VhostUserServer({ path, device, report: (event) => events.push(event) });
      const memory = openMemfd('fuzz', MEMORY_BYTES);
      const mapping = mapFile(memory, { offsetBytes: 0, sizeBytes: MEMORY_BYTES });
      const eventfd = openEventfd();
      const [one, other] = socketPair();
      const small = openSync(join(folder, 'file'), 'r+');
      const wrong = [memory, eventfd, one, other, small];
      const handles: RandomHandles = {
        memory: () => file(memory),
        event: () => file(eventfd),
        wrong: () => file(choose.of(wrong)),
      };
      const ends = () => events.filter(({ kind }) => kind === 'disconnected').length;
      try {
        server.open();
        for (let session = 0; session < SOCKET_SESSIONS; session++) {
          const bytes = new Uint8Array(mapping.buffer, 0, 0x20000);
          // Rings of noise, and rings of zeros, which look empty.
          if (choose.below(2) === 0) randomFillSync(bytes);
          else bytes.fill(0);
          await abuse(new SocketChannel(connectUnix(path)), choose, handles, () => addEventfd(eventfd));
          await until(() => ends() === session + 1, 'the session to end');
        }
        const frontend = new TestFrontend(new SocketChannel(connectUnix(path)));
        const guest = new TestGuest();
        await frontend.negotiate(1n << 32n, 1n << 3n);
        await frontend.setMemory(guest);
        await frontend.setUp(guest, 0);
        await guest.exchange(0, 0, 1, () => addEventfd(guest.ring(0).kick));
        frontend.channel.close();
        guest.close();
        await until(() => ends() === SOCKET_SESSIONS + 1, 'all sessions to end');
        for (const event of events) {
          if (event.kind !== 'disconnected' || event.error === null) continue;
          const { error } = event;
          assert.ok(error instanceof ProtocolError || 'errno' in error, `${error.stack}`);
        }
        assert.ok(events.some(({ kind }) => kind === 'queue-broken'));
      } finally {
        await server.close();
        mapping.close();
        for (const descriptor of [memory, one, other]) closeDescriptor(descriptor);
        closeEventfd(eventfd);
        closeSync(small);
        rmSync(folder, { recursive: true });
      }
    }),
);
