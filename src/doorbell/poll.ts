/**
 * No doorbell: a side that finds nothing looks at the ring again, so neither asks for a notification and none is sent.
 * What waits for another thing than the ring waits as with `spin`.
 */
import type { DoorbellStrategy } from './doorbell.ts';
import { spinWaitSet } from './spin.ts';
import { wordStrategy } from './words.ts';

export const poll: DoorbellStrategy = {
  ...wordStrategy(
    'poll',
    'none: both sides look at the ring, nothing is asked for and nothing rings; on one CPU they yield',
    spinWaitSet,
  ),
  looks: true,
  polls: true,
};
