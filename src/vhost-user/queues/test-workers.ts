/** For tests: a session whose queues run in threads of their own, and its frontend at the other end of a socket pair. */
import { leavingNoneOpen } from '../../native/test-leaks.ts';
import { socketPair } from '../../native/unix-socket.ts';
import type { SessionEvent } from '../backend/backend-options.ts';
import { BackendSession } from '../backend/backend-session.ts';
import { nativeSystem } from '../backend/native-system.ts';
import { TestFrontend, TestGuest } from '../backend/test-frontend.ts';
import { SocketChannel } from '../messages/socket-channel.ts';
import { WorkerDevice, type WorkerDeviceOptions } from './worker-device.ts';

export const FACTORY = new URL('../backend/test-echo-device.js', import.meta.url).href;
const FEATURES = (1n << 32n) | (1n << 30n);
const REPLY_ACK = 1n << 3n;
const CONFIG = 1n << 9n;
export const DEADLY = 0xdead;
export const KEPT = 0x4e97;

export interface Bench {
  readonly device: WorkerDevice;
  readonly frontend: TestFrontend;
  readonly guest: TestGuest;
  readonly events: SessionEvent[];
}

/** A session with two queues that are set up, from its start to its end. */
export async function withWorkerSession(
  options: Partial<WorkerDeviceOptions>,
  body: (bench: Bench) => Promise<void>,
): Promise<void> {
  const device = await WorkerDevice.open({
    factory: FACTORY,
    device: { queueCount: 2, deadly: DEADLY, kept: KEPT },
    ...options,
  });
  const [ours, theirs] = socketPair();
  const events: SessionEvent[] = [];
  const session = new BackendSession({
    channel: new SocketChannel(ours),
    device,
    system: nativeSystem(),
    report: (event) => events.push(event),
  });
  const ended = session.run();
  const frontend = new TestFrontend(new SocketChannel(theirs));
  const guest = new TestGuest(2);
  try {
    await frontend.negotiate(FEATURES, REPLY_ACK | CONFIG);
    await frontend.setMemory(guest);
    for (const index of [0, 1]) await frontend.setUp(guest, index);
    await body({ device, frontend, guest, events });
  } finally {
    frontend.channel.close();
    await ended;
    await device.close();
    guest.close();
  }
}

/** What a thread opens on its first use stays open with the process; the second run must leave nothing. */
export async function withWorkers(
  options: Partial<WorkerDeviceOptions>,
  body: (bench: Bench) => Promise<void>,
): Promise<void> {
  const run = () => withWorkerSession(options, body);
  await run();
  await leavingNoneOpen(run);
}
