/** What of a run's figures is the harness's own: the same loops over the same data, with no ring between them. */
import type { Placement } from '../pair/running-pair.ts';
import type { Harness, RunConfig } from '../records/record.ts';
import { median } from '../statistics/sample.ts';
import { runRepetition } from './repetition.ts';

/** Enough transfers to tell what the loops cost, few enough not to be waited for. */
const TRANSFERS = 2_000_000;
const REPETITIONS = 3;

/** Measures one pair at a time, at the first one's place; null if a repetition failed, or the kernel does not tell. */
export async function measureHarness(
  config: RunConfig,
  placement: Placement,
  signal: AbortSignal | undefined,
): Promise<Harness> {
  const alone: RunConfig = {
    ...config,
    layout: 'null',
    fastVringh: false,
    latency: 0,
    rate: 0,
    pairs: 1,
    pairsIn: 'thread',
    warmup: TRANSFERS,
    transfers: TRANSFERS,
  };
  const repetitions: { guestNs: number; hostNs: number }[] = [];
  for (let i = 0; i < REPETITIONS; i++) {
    const result = await runRepetition(alone, [placement], signal && { signal });
    if ('failure' in result) return null;
    const { guest, host } = result.repetition.pairs[0]!;
    if (guest.cpuNs === null || host.cpuNs === null) return null;
    repetitions.push({ guestNs: guest.cpuNs / TRANSFERS, hostNs: host.cpuNs / TRANSFERS });
  }
  return {
    guestNs: median(repetitions.map(({ guestNs }) => guestNs)),
    hostNs: median(repetitions.map(({ hostNs }) => hostNs)),
    repetitions,
  };
}
