/** Pauses in the middle of requests: the guest has just kicked, and its frontend changes something. It plays nothing. */
import type { Random } from '../../fuzz/random.ts';
import { type Action, LOG_BYTES, MEMORY, regionOf, type Target } from './fuzz-actions.ts';
import { type DescribedRequest, send } from './fuzz-legal.ts';

/** Some requests, and after a few turns of the loop, or none, what pauses their queue; a few times. */
export function pausedActions(random: Random, { queueCount }: Target): Action[] {
  const actions: Action[] = [];
  const say = (request: DescribedRequest) => actions.push(send(request));
  for (let left = 1 + random.below(4); left > 0; left--) {
    const index = random.below(queueCount);
    actions.push({ does: 'write', queue: index, style: 'legal', seed: random.bits() });
    actions.push({ does: 'kick', queue: index, count: 1 });
    if (random.oneIn(2)) actions.push({ does: 'wait', turns: 1 + random.below(2) });
    const pauses: readonly (() => void)[] = [
      () => say({ request: 'SET_MEM_TABLE', regions: [regionOf(MEMORY)], with: ['memory'] }),
      () => say({ request: 'SET_LOG_BASE', sizeBytes: BigInt(LOG_BYTES), offsetBytes: 0n, with: ['log'] }),
      () => say({ request: 'SET_VRING_KICK', index, noDescriptor: false, with: [`kick ${index}`] }),
      () => {
        for (const num of [0, 1]) say({ request: 'SET_VRING_ENABLE', index, num });
      },
      () => {
        say({ request: 'GET_VRING_BASE', index, num: 0 });
        if (random.oneIn(2)) actions.push({ does: 'read' });
        say({ request: 'SET_VRING_KICK', index, noDescriptor: false, with: [`kick ${index}`] });
      },
    ];
    random.pick(pauses)();
  }
  return actions;
}
