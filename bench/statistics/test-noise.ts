/** Measurements as a machine might give them, for simulations in tests. */
import { normalFrom, randomFrom } from './random.ts';

/** Ways for repetitions to scatter: a factor around 1 from a standard normal number and a relative scatter. */
const NOISES = {
  normal: (deviate: number, scatter: number) => 1 + scatter * deviate,
  lognormal: (deviate: number, scatter: number) => Math.exp(scatter * deviate),
} as const;

/** Makes samples: `count` repetitions of something that truly takes `middle`, scattering by the part `scatter` of it. */
export function samplesFrom(seed: number, noise: keyof typeof NOISES = 'normal') {
  const deviate = normalFrom(randomFrom(seed));
  return (count: number, middle: number, scatter: number): number[] =>
    Array.from({ length: count }, () => middle * NOISES[noise](deviate(), scatter));
}

/**
 * Makes `count` standard normal numbers, each of which correlates with the one before by `correlation`, and less with
 * those before that: an autoregression of the first order.
 */
export function correlatedFrom(seed: number, correlation: number) {
  const deviate = normalFrom(randomFrom(seed));
  return (count: number): number[] => {
    let value = deviate();
    return Array.from({ length: count }, (_, i) => {
      if (i > 0) value = correlation * value + Math.sqrt(1 - correlation ** 2) * deviate();
      return value;
    });
  };
}
