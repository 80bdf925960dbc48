/**
 * Makes each host half: faces of the one chain reader, each with its own policy, on the same ring and load. Their names
 * are in `bench/axes`. Host thread.
 */
import { LguestQueue } from '../../src/launcher/queue.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { MemoryRegion } from '../../src/memory/region.ts';
import { ORDERINGS } from '../../src/ordering/index.ts';
import { bindRing } from '../../src/ordering/ring-fields.ts';
import { featuresFromBits } from '../../src/ring/features.ts';
import { SplitRing } from '../../src/ring/split-layout.ts';
import { VhostUserQueue } from '../../src/vhost-user/queues/queue.ts';
import type { HostName } from '../axes/hosts.ts';
import { ENGINE_MAKERS, type HostHalf, requestOver } from './engines.ts';
import { queueOptions, rangeOf } from './host-options.ts';
import type { BoundPair } from './setup.ts';

/** What the guest asked for, over what it sent: memory, addresses, features. */
function vhostUserHost(pair: BoundPair): VhostUserQueue {
  const { setup } = pair;
  if (setup === null) throw new TypeError('the session has not set up this queue');
  const { guestBase, userBase, sizeBytes, handle } = setup.regions[0]!;
  if (handle.kind !== 'memory') throw new TypeError('the memory of threads is not a file');
  const region = new MemoryRegion({ guestBase, buffer: handle.memory, sizeBytes });
  const place = (address: number) => ({ region, offset: address - userBase });
  const { size, desc, avail, used, features, availIdx, usedIdx } = setup;
  const negotiated = featuresFromBits(features);
  const places = { desc: place(desc), avail: place(avail), used: place(used) };
  const ring = new SplitRing(size, places, 'host queue', negotiated.eventIdx);
  const memory = new GuestMemory([region]);
  return new VhostUserQueue({
    ring,
    shared: bindRing(ORDERINGS[pair.config.ordering], ring),
    features: negotiated,
    memory,
    ...rangeOf(pair, memory),
    availIdx,
    usedIdx,
  });
}

export const HOST_MAKERS: Record<HostName, (pair: BoundPair) => HostHalf> = {
  vringh: (pair) => ENGINE_MAKERS[pair.config.engine].vringh(pair),
  'vhost-user': (pair) => ({ queue: vhostUserHost(pair), request: requestOver(pair) }),
  lguest: (pair) => ({ queue: new LguestQueue(queueOptions(pair)), request: requestOver(pair) }),
};
