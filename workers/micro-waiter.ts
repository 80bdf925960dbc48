/**
 * Thread entry of the waiter that bench `notify-with-waiter` wakes: pins itself, says so, waits until stopped, and says
 * where it may run then.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { takeWakeUps, type WaiterTask } from '../bench/micro/waiter.ts';
import { pinningNow, pinThread } from '../bench/pair/pinning.ts';

const task = workerData as WaiterTask;
const pinning = pinThread(task.cpu, task.unpinnedReason);
parentPort?.postMessage(pinning);
await takeWakeUps(task);
parentPort?.postMessage(pinningNow(pinning));
