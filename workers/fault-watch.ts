/** Thread entry of the guard against page faults that are never served: guards until told to end. */
import { parentPort, workerData } from 'node:worker_threads';
import { type FaultWatchTask, watchFaults } from '../src/native/fault-watch.ts';

if (parentPort !== null) watchFaults(parentPort, workerData as FaultWatchTask);
