/** Thread entry of the waiter that bench `notify-with-waiter` wakes: pins itself, says so, and waits until stopped. */
import { parentPort, workerData } from 'node:worker_threads';
import { takeWakeUps, type WaiterTask } from '../bench/micro/waiter.ts';
import { pinThread } from '../bench/pair/pinning.ts';

const task = workerData as WaiterTask;
parentPort?.postMessage(pinThread(task.cpu, task.unpinnedReason));
await takeWakeUps(task);
