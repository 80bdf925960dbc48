/**
 * The whole work of a thread that serves queues for a session in another one: opens a device of its own and does what
 * it is told. It ends when told to, or with the error that its device cannot be opened.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Device } from '../../devices/device.ts';
import { setAffinity } from '../../native/affinity.ts';
import { takeMessages } from '../../native/threads.ts';
import { publishWatcher } from '../../native/watcher.ts';
import { LocalDevice } from './local-device.ts';
import {
  type PlainError,
  plainError,
  STATS,
  statsOf,
  type ThreadCall,
  type ThreadReply,
  type ThreadRequest,
  type ThreadResults,
  type ThreadTask,
} from './thread-messages.ts';

/** Counters are as old as this at most. */
const STATS_EVERY_MS = 100;

/** A module that makes devices from plain data. */
interface DeviceFactory {
  openDevice(options: unknown): Device | Promise<Device>;
}

type Calls = {
  [C in ThreadCall['call']]: (
    request: Extract<ThreadCall, { call: C }>,
  ) => ThreadResults[C] | Promise<ThreadResults[C]>;
};

export async function serveThread(port: MessagePort, task: ThreadTask): Promise<void> {
  publishWatcher(task.watcher);
  if (task.cpus !== null) setAffinity(task.cpus);
  const { openDevice } = (await import(task.factory)) as Partial<DeviceFactory>;
  if (typeof openDevice !== 'function') throw new TypeError(`${task.factory} exports no function openDevice`);
  const device = new LocalDevice(await openDevice(task.options), { pollUs: task.pollUs });
  const tell = (reply: ThreadReply) => port.postMessage(reply);
  /** Queues that this thread has served: their counters are its own. */
  const served = new Set<number>();
  const countStats = () => {
    for (const index of served) {
      const { stats } = device.runner(index);
      const counters = statsOf(task.stats, index);
      for (const [i, name] of STATS.entries()) counters[i] = stats[name];
    }
  };
  const timer = setInterval(countStats, STATS_EVERY_MS);

  const calls: Calls = {
    describe: () => {
      const { id, name, features, queueCount, config } = device;
      return { id, name, features, queueCount, config };
    },
    acknowledge: ({ features }) => {
      device.acknowledge(features);
      return null;
    },
    writeConfig: ({ offset, bytes }) => ({ taken: device.writeConfig(offset, bytes), config: device.config }),
    reset: () => {
      device.reset();
      return null;
    },
    start: async ({ setup, run }) => {
      const { index } = setup;
      served.add(index);
      await device.runner(index).start(setup, {
        broken: (error) => tell({ event: 'broken', index, run, error: plainError(error) }),
        called: () => {
          if (Atomics.exchange(task.callsDue, index, 1) === 0) tell({ event: 'called', index, run });
        },
      });
      return null;
    },
    setCall: async ({ index, handle }) => {
      await device.runner(index).setCall(handle);
      return null;
    },
    kick: ({ index }) => {
      device.runner(index).kick();
      return null;
    },
    stop: async ({ index }) => {
      const state = await device.runner(index).stop();
      countStats();
      return state;
    },
    close: async () => {
      clearInterval(timer);
      await device.close();
      return null;
    },
  };

  const answer = async (request: ThreadRequest): Promise<void> => {
    const { id, call } = request;
    let reply: { id: number; result: unknown } | { id: number; error: PlainError };
    try {
      reply = { id, result: await (calls[call] as (request: ThreadCall) => unknown)(request) };
    } catch (error) {
      reply = { id, error: plainError(error as Error) };
    }
    tell(reply);
    if (call === 'close') port.close();
  };
  takeMessages(port, answer);
}
