/** What a soak does at each number: options of `run` by chance, and what is planted. A seed and the number give it. */

import { HOSTS } from '../../bench/axes/hosts.ts';
import { PAIRS_IN } from '../../bench/axes/pairs-in.ts';
import { WORKLOADS } from '../../bench/axes/workloads.ts';
import { allowedCpus } from '../../bench/pair/pinning.ts';
import { cpusByDefault } from '../../bench/run/placement.ts';
import type { DoorbellStrategy } from '../../src/doorbell/doorbell.ts';
import { DOORBELLS } from '../../src/doorbell/index.ts';
import { Random } from '../../src/fuzz/random.ts';
import { whyUnavailable } from '../../src/native/libc.ts';
import { ORDERINGS } from '../../src/ordering/index.ts';
import { FAULT_KINDS, type Planted, type PlantedKind } from './planted.ts';

export type Step =
  | { readonly what: 'run'; readonly args: readonly string[]; readonly planted: Planted | null }
  /** A vhost-user session with a frontend that misbehaves, by its number under the soak's seed. */
  | { readonly what: 'session'; readonly session: number }
  | { readonly what: 'launch' };

const SOUND = Object.values(ORDERINGS).filter(({ sound }) => sound);
/** The doorbells that this machine has. */
export const USABLE = Object.values(DOORBELLS).filter(
  (doorbell: DoorbellStrategy) => (doorbell.unavailable?.() ?? null) === null,
);
const NATIVE = whyUnavailable() === null;
/** Where the threads can run here. */
const PLACES = cpusByDefault(allowedCpus()) === 'same' ? ['same'] : ['same', 'distant', 'none'];

const SESSION_ONE_IN = 12;
const LAUNCH_ONE_IN = 24;
const FAULT_ONE_IN = 3;

const TRANSFERS_MIN = 10_000;
const TRANSFERS_MAX = 400_000;
/** The same where nearly every transfer is waited for, by tens of microseconds. */
const WAITING_TRANSFERS_MAX = 30_000;
const SLOW_DOORBELLS: readonly string[] = ['wait-async', 'message-port', 'pipe'];
const RING_BITS_MAX = 13;
/** The most that a ring's payloads take. */
const SLOTS_BYTES_MAX = 2 ** 26;
/** Bytes that a slow run may carry, and any other: each some tenths of a second. */
const SLOW_BYTES_MAX = 1_000_000;
const BYTES_MAX = 64_000_000;
/** How long a schedule lasts, seconds. */
const RATE_SECONDS = 0.2;

/** Short waits where one must run out; the default elsewhere. */
const TIMEOUT: Partial<Record<PlantedKind, string>> = { silence: '0.3', mute: '0.1' };

export function stepAt(seed: number, number: number): Step {
  const random = Random.of(seed, number);
  if (NATIVE && random.oneIn(SESSION_ONE_IN)) return { what: 'session', session: random.below(2 ** 31) };
  if (random.oneIn(LAUNCH_ONE_IN)) return { what: 'launch' };
  return runOf(random);
}

function runOf(random: Random): Step {
  const workload = random.pick(Object.keys(WORKLOADS) as (keyof typeof WORKLOADS)[]);
  const { sized, elementsMax } = WORKLOADS[workload];
  const slow = random.oneIn(8);
  const size = sized ? random.pick(slow ? [4, 64, 520] : [4, 64, 520, 4096, 16_384, 65_536]) : 4;
  const pairs = random.oneIn(5) ? random.pick([2, 3]) : 1;
  const doorbell = random.pick(USABLE).name;
  const outstanding = random.oneIn(3) ? random.pick([1, 2, 37]) : null;
  const waits = SLOW_DOORBELLS.includes(doorbell) || (outstanding ?? 37) < 37;
  // More spinning threads than CPUs take turns by time slices.
  const turns = pairs > 1 && (doorbell === 'spin' || doorbell === 'poll');
  const bytes = Math.floor((slow ? SLOW_BYTES_MAX : BYTES_MAX) / size);
  const most = Math.min(turns ? TRANSFERS_MIN : waits ? WAITING_TRANSFERS_MAX : TRANSFERS_MAX, bytes);
  const rate = random.oneIn(12) ? random.pick([500, 5000, 20_000]) : 0;
  // As many orders of magnitude apart as there are; even, for the workload that brings back what it carried.
  const scale = TRANSFERS_MIN * (TRANSFERS_MAX / TRANSFERS_MIN) ** (random.below(1000) / 1000);
  const transfers = 2 * Math.floor((rate > 0 ? rate * RATE_SECONDS : Math.min(most, scale)) / 2);
  const warmup = random.pick([0, 1000, 10_000]);
  const smallest = Math.ceil(Math.log2(elementsMax));
  const ringSize =
    2 ** Math.min(smallest + random.below(RING_BITS_MAX + 1 - smallest), Math.floor(Math.log2(SLOTS_BYTES_MAX / size)));
  const host = random.pick(Object.keys(HOSTS) as (keyof typeof HOSTS)[]);
  const { modern } = HOSTS[host];
  const fast = host === 'vringh' && workload !== 'echo' && random.oneIn(12);
  const none = !fast && rate === 0 && random.oneIn(20);
  const planted =
    fast || none || !random.oneIn(FAULT_ONE_IN) ? null : plantedIn(random, { transfers, warmup, pairs, rate });
  const outside = planted?.kind === 'kill';
  const wasm = host === 'vringh' && !slow && !none && random.oneIn(2);
  const version1 = random.oneIn(3);
  const option = (name: string, value: string | number) => [`--${name}`, String(value)];
  const sometimes = (times: number, args: string[]) => (random.oneIn(times) ? args : []);
  const args = [
    ...option('workload', workload),
    ...(sized ? option('size', size) : []),
    ...option('transfers', transfers),
    ...option('warmup', warmup),
    ...option('ring-size', ringSize),
    ...(wasm ? option('engine', 'wasm') : option('ordering', random.pick(SOUND).name)),
    ...(wasm ? sometimes(3, option('loop', 'js')) : none ? sometimes(2, option('loop', 'wasm')) : []),
    ...option('doorbell', doorbell),
    ...option('host', host),
    ...option('cpus', random.pick(PLACES)),
    ...(pairs > 1 ? option('pairs', pairs) : []),
    ...(outside || random.oneIn(6) ? option('pairs-in', outside ? 'process' : random.pick(Object.keys(PAIRS_IN))) : []),
    ...(modern ? sometimes(2, ['--eventidx']) : []),
    ...(modern ? sometimes(3, ['--indirect']) : []),
    ...(version1 ? ['--virtio-1'] : []),
    ...(version1 && modern ? sometimes(2, option('ring-place', 'apart')) : []),
    ...(slow ? ['--slow-range'] : []),
    ...(fast ? ['--fast-vringh'] : []),
    ...(none ? option('layout', 'null') : []),
    ...sometimes(3, option('batch', random.pick([1, 2, 300]))),
    ...sometimes(4, option('complete-batch', random.pick([1, 3, 64]))),
    ...(outstanding === null ? [] : option('outstanding', outstanding)),
    ...sometimes(3, option('delayed-interrupt', 'off')),
    ...sometimes(6, option('exit-cost', 300)),
    ...sometimes(4, option('spin-us', random.pick([0, 5, 200]))),
    // A side that looks on misses no ring.
    ...(planted?.kind === 'mute' ? option('look-us', 0) : sometimes(3, option('look-us', random.pick([0, 5, 200])))),
    ...(rate > 0 ? option('rate', rate) : sometimes(4, option('latency', random.pick([1, 16, 64])))),
    ...option('timeout', TIMEOUT[planted?.kind ?? 'kill'] ?? '10'),
  ];
  return { what: 'run', args, planted };
}

const WINDOW_ONLY: readonly PlantedKind[] = ['mute', 'garbage'];
/** What a used length says is the host's. */
const HOST_ONLY: readonly PlantedKind[] = ['longer', 'shorter', 'huge'];
/** What a schedule leaves as it is: between two transfers of one nobody waits for a ring that is lost. */
const UNDER_RATE: readonly PlantedKind[] = ['throw', 'exit', 'pause', 'interrupt', ...HOST_ONLY];

function plantedIn(
  random: Random,
  { transfers, warmup, pairs, rate }: { transfers: number; warmup: number; pairs: number; rate: number },
): Planted {
  const kind = random.pick(rate > 0 ? UNDER_RATE : FAULT_KINDS);
  const first = WINDOW_ONLY.includes(kind) ? warmup : 0;
  return {
    kind,
    side: HOST_ONLY.includes(kind) ? 'host' : random.pick(['guest', 'host'] as const),
    transfer: first + random.below(warmup + transfers - first),
    pair: random.below(pairs),
    afterMs: random.below(400),
  };
}
