/** Both sides of a calibration in two threads, for its test; on whatever CPUs this process may use. */
import { argv } from 'node:process';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { allocateShared } from '../../src/memory/region.ts';
import { type Ball, calibrate } from './calibration.ts';
import { makeRendezvous, Rendezvous } from './rendezvous.ts';

if (isMainThread) {
  const shared = makeRendezvous();
  const ball: Ball = { memory: allocateShared(1), offset: 0 };
  const peer = new Worker(argv[1]!, { workerData: { shared, ball } });
  const roundTripNs = calibrate(new Rendezvous(shared, 'guest'), ball, true);
  peer.on('exit', () => console.log(roundTripNs));
} else {
  const { shared, ball } = workerData as { shared: SharedArrayBuffer; ball: Ball };
  calibrate(new Rendezvous(shared, 'host'), ball, false);
}
