/** Thread entry of one of a launcher's devices: opens the device that its task names and serves until told to end. */
import { parentPort, workerData } from 'node:worker_threads';
import { type DeviceTask, serveThread } from '../src/launcher/device-thread.ts';

if (parentPort !== null) await serveThread(parentPort, workerData as DeviceTask);
