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

/** By libvhost-user's own calls; with flags they are those above. */
class SetNotificationQueue extends VhostUserQueue {
  override enableKicks(): boolean {
    this.setNotification(true);
    return this.isEmpty();
  }
}

export function guestQueue({ callsOn }: Scenario, options: SplitVirtqueueOptions): SplitVirtqueue {
  return new (callsOn ? CallsOnVirtqueue : SplitVirtqueue)(options);
}

type Making = (scenario: Scenario, options: SplitHostQueueOptions) => SplitHostQueue;

const indicesOf = ({ startIndex }: Scenario) => ({ availIdx: startIndex, usedIdx: startIndex });

const HOSTS: Readonly<Record<HostName, Making>> = {
  vringh(scenario, options) {
    const state = scenario.startIndex === 0 ? {} : { state: indicesOf(scenario) };
    return new (scenario.kicksOn ? KicksOnVringh : Vringh)({ ...options, ...state });
  },
  'vhost-user': (scenario, options) =>
    new (scenario.kicksOn ? KicksOnVhostUserQueue : VhostUserQueue)({ ...options, ...indicesOf(scenario) }),
  'set-notification': (scenario, options) => new SetNotificationQueue({ ...options, ...indicesOf(scenario) }),
};

export const hostQueue = (scenario: Scenario, options: SplitHostQueueOptions) =>
  HOSTS[scenario.host](scenario, options);
