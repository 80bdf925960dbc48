/** A backend over a real socket, with real memory and eventfds, against a frontend made of single messages. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addEventfd } from '../native/eventfd.ts';
import { whyUnavailable } from '../native/libc.ts';
import { leavingNoneOpen } from '../native/test-leaks.ts';
import { socketPair } from '../native/unix-socket.ts';
import type { SessionEvent, SessionHooks } from './backend-options.ts';
import { BackendSession } from './backend-session.ts';
import { LocalDevice } from './local-device.ts';
import { nativeSystem } from './native-system.ts';
import { SocketChannel } from './socket-channel.ts';
import { EchoDevice, type EchoOptions } from './test-echo-device.ts';
import { TestFrontend, TestGuest } from './test-frontend.ts';

const skip = whyUnavailable() ?? false;

const VERSION_1 = 1n << 32n;
const PROTOCOL = 1n << 30n;
const REPLY_ACK = 1n << 3n;

interface Bench {
  readonly device: EchoDevice;
  readonly frontend: TestFrontend;
  readonly guest: TestGuest;
  readonly events: SessionEvent[];
  /** Ends when the session has. */
  readonly ended: Promise<void>;
}

/** A session and its frontend; afterwards nothing is left open. */
function withBackend(
  options: EchoOptions & { hooks?: SessionHooks },
  body: (bench: Bench) => Promise<void>,
): Promise<void> {
  return leavingNoneOpen(async () => {
    const [ours, theirs] = socketPair();
    const device = new EchoDevice(options);
    const events: SessionEvent[] = [];
    const session = new BackendSession({
      channel: new SocketChannel(ours),
      device: new LocalDevice(device),
      system: nativeSystem(),
      hooks: options.hooks ?? {},
      report: (event) => events.push(event),
    });
    const ended = session.run();
    ended.catch(() => {});
    const frontend = new TestFrontend(new SocketChannel(theirs));
    const guest = new TestGuest(device.queueCount);
    try {
      await body({ device, frontend, guest, events, ended });
    } finally {
      frontend.channel.close();
      await ended.catch(() => {});
      guest.close();
    }
  });
}

test('backend: a request is served, the queue stopped, and served again', { skip }, () =>
  withBackend({}, async ({ frontend, guest, events, ended }) => {
    await frontend.negotiate(VERSION_1 | PROTOCOL, REPLY_ACK);
    await frontend.setMemory(guest);
    await frontend.setUp(guest, 0);
    const kick = () => addEventfd(guest.ring(0).kick);
    await guest.exchange(0, 0, 0x11111111, kick);
    await guest.called(0);
    await guest.exchange(0, 4, 0x22222222, kick);
    assert.equal(await frontend.stop(0), 2);
    guest.offer(0, 0, 0x33333333);
    await frontend.setUp(guest, 0, 2);
    assert.deepEqual(await guest.nextUsed(0), { id: 0, length: 4 });
    assert.equal(await frontend.stop(0), 3);
    assert.deepEqual(events, []);
    frontend.channel.close();
    await ended;
  }),
);
