/** Thread entry of a launcher's guest: runs it on the machine that its task describes. */
import { parentPort, workerData } from 'node:worker_threads';
import { type GuestTask, runGuest } from '../src/launcher/cpu/guest-thread.ts';

if (parentPort !== null) await runGuest(parentPort, workerData as GuestTask);
