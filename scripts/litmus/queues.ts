/** The halves that are explored, by name, and variants of them that leave their wishes for notifications on. */
import { SplitVirtqueue, type SplitVirtqueueOptions } from '../../src/guest/split-virtqueue.ts';
import type { SplitHostQueue, SplitHostQueueOptions } from '../../src/host/split-host-queue.ts';
import { Vringh } from '../../src/host/vringh.ts';
import { VhostUserQueue } from '../../src/vhost-user/queues/queue.ts';
import type { HostName, Scenario } from './scenarios.ts';

/** What `getBuf` asked for last must be enough. */
class CallsOnVirtqueue extends SplitVirtqueue {
  override enableCalls(): boolean {
    return true;
  }

  override disableCalls(): void {}
}

class KicksOnVringh extends Vringh {
  override enableKicks(): boolean {
    return true;
  }

  override disableKicks(): void {}
}

/** What `takeHead` asked for last must be enough. */
class KicksOnVhostUserQueue extends VhostUserQueue {
  override enableKicks(): boolean {
    return true;
  }

  override disableKicks(): void {}
}

export function guestQueue({ callsOn }: Scenario, options: SplitVirtqueueOptions): SplitVirtqueue {
  return new (callsOn ? CallsOnVirtqueue : SplitVirtqueue)(options);
}

const HOSTS: Readonly<Record<HostName, (scenario: Scenario, options: SplitHostQueueOptions) => SplitHostQueue>> = {
  vringh({ kicksOn, startIndex }, options) {
    const state = startIndex === 0 ? {} : { state: { availIdx: startIndex, usedIdx: startIndex } };
    return new (kicksOn ? KicksOnVringh : Vringh)({ ...options, ...state });
  },
  'vhost-user'({ kicksOn, startIndex }, options) {
    const indices = { availIdx: startIndex, usedIdx: startIndex };
    return new (kicksOn ? KicksOnVhostUserQueue : VhostUserQueue)({ ...options, ...indices });
  },
};

export const hostQueue = (scenario: Scenario, options: SplitHostQueueOptions) =>
  HOSTS[scenario.host](scenario, options);
