/** Both sides of a calibration in two threads, for its test; on whatever CPUs this process may use. */
import { argv } from 'node:process';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { calibrate } from './calibration.ts';
import { makeRendezvous, Rendezvous } from './rendezvous.ts';

if (isMainThread) {
  const shared = makeRendezvous();
  const peer = new Worker(argv[1]!, { workerData: shared });
  const roundTripNs = calibrate(new Rendezvous(shared, 'guest'), true);
  peer.on('exit', () => console.log(roundTripNs));
} else calibrate(new Rendezvous(workerData as SharedArrayBuffer, 'host'), false);
