/** Thread entry of queues of a vhost-user device: opens the device that its task names and serves until told to end. */
import { parentPort, workerData } from 'node:worker_threads';
import { serveThread } from '../src/vhost-user/queues/queue-thread.ts';
import type { ThreadTask } from '../src/vhost-user/queues/thread-messages.ts';

if (parentPort !== null) await serveThread(parentPort, workerData as ThreadTask);
