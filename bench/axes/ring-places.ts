/** Where the parts of a split ring lie: `--ring-place`. Names; `bench/pair/setup.ts` has the layouts. Any thread. */

export const RING_PLACES = {
  legacy: { summary: 'behind each other, as legacy devices have them' },
  apart: { summary: 'indices, flags and events of each side on cache lines of their own; wants --virtio-1' },
} as const;

export type RingPlaceName = keyof typeof RING_PLACES;
