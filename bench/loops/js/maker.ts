/** Makes the loops in TypeScript, over whatever the layout, the engine and the host half of a pair are. Either thread. */

import { giveWay } from '../../../src/doorbell/give-way.ts';
import { LAYOUTS } from '../../axes/layouts.ts';
import { ENGINE_MAKERS } from '../../pair/engines.ts';
import { LAYOUT_MAKERS } from '../../pair/layouts.ts';
import type { PairConfig } from '../../pair/setup.ts';
import { GUEST_ENOUGH, HOST_ENOUGH } from '../look-on.ts';
import { type LoopMaker, lookOnOf, pollsMaxOf } from '../maker.ts';
import { GuestLoop } from './guest-loop.ts';
import { FastHostLoop, HostLoop } from './host-loop.ts';
import { WORKLOAD_MAKERS } from './index.ts';
import type { LookingOptions } from './looking.ts';
import { reportAs } from './report-as.ts';
import { UncheckedGuest } from './unchecked.ts';

const lookingOf = (config: PairConfig, enough: number): LookingOptions => ({
  lookOn: lookOnOf(config),
  enough,
  sharesCpu: !config.apart,
  pollsMax: pollsMaxOf(config),
});

export const jsLoops: LoopMaker = {
  guest(pair, bell, { probe, pace }) {
    const { config, slots } = pair;
    const { queue, elements } = LAYOUT_MAKERS[config.layout].guest(pair, bell);
    const workload = WORKLOAD_MAKERS[config.workload].guest(
      elements === null ? slots : { ...slots, elements },
      config.size,
    );
    return new GuestLoop({
      queue,
      workload: LAYOUTS[config.layout].carries ? workload : new UncheckedGuest(workload),
      slotCount: slots.count,
      verify: !config.fastVringh,
      knobs: config,
      probe,
      pace,
      looking: lookingOf(config, GUEST_ENOUGH),
    });
  },

  host(pair, bell, report) {
    const { config } = pair;
    if (config.fastVringh) {
      const { queue } = ENGINE_MAKERS[config.engine].vringh(pair);
      if (report !== null) reportAs(queue, report);
      return new FastHostLoop(queue, bell, lookingOf(config, HOST_ENOUGH), config.apart ? null : giveWay());
    }
    const { queue, request } = LAYOUT_MAKERS[config.layout].host(pair);
    if (report !== null) reportAs(queue, report);
    const workload = WORKLOAD_MAKERS[config.workload].host(config.size);
    return new HostLoop({
      queue,
      request,
      workload,
      batch: config.completeBatch,
      bell,
      outstanding: config.outstanding,
      looking: lookingOf(config, HOST_ENOUGH),
    });
  },
};
