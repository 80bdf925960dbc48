/** The arithmetic of EVENT_IDX, which decides about each notification. */
import { needEvent } from '../../../src/ring/event.ts';
import { expectEqual } from '../../check-failed.ts';
import type { MicroBench } from '../micro-bench.ts';

/** All values of an index once, so that it wraps within the walk. */
const OPERATIONS = 65_536;
/** Entries between two looks at the event. */
const MOVED = 3;
/** The event lies 0 to AHEAD_MAX entries ahead of the earlier index; a power of two less one. */
const AHEAD_MAX = 7;

export const needEventBench: MicroBench = {
  summary: 'needEvent of three indices: the arithmetic alone',
  ordered: false,
  prepare() {
    let needed = 0;
    return {
      operations: OPERATIONS,
      before() {
        needed = 0;
      },
      timed() {
        let count = 0;
        for (let i = 0; i < OPERATIONS; i++)
          if (needEvent((i + (i & AHEAD_MAX)) & 0xffff, (i + MOVED) & 0xffff, i)) count++;
        needed = count;
        return undefined;
      },
      // Of every AHEAD_MAX + 1 events the first MOVED lie among the entries passed.
      check: () => expectEqual('need-event: needed', needed, (OPERATIONS / (AHEAD_MAX + 1)) * MOVED),
    };
  },
};
