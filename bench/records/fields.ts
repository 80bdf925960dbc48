/** Fields that schemas of records are made of. */
import { z } from 'zod';
import { readCounts } from '../latency/encoded-histogram.ts';

/** The most that a figure can be; nanoseconds of thirty years. Sums and ratios of what is below it stay finite. */
const FIGURE_MAX = 1e18;
/** The fewest events a second: one in that time. */
const PER_SECOND_MIN = 1e9 / FIGURE_MAX;

export const count = z.int().nonnegative();
/** Of what a run cannot be without. */
export const atLeastOne = count.positive();
export const figure = z.number().nonnegative().max(FIGURE_MAX);
export const ns = figure;
/** How long something took in which something was done. */
export const windowNs = ns.min(1);
/** Events a second, of which there was one at least. */
export const perSecond = z.number().min(PER_SECOND_MIN).max(FIGURE_MAX);
/** Of two speeds. */
export const ratio = z
  .number()
  .min(1 / FIGURE_MAX)
  .max(FIGURE_MAX);

/** An HDR histogram of nanoseconds: V2, compressed, base64. Without a sample it is none: null stands for it. */
export const histogram = (samplesMax: number) =>
  z.string().superRefine((text, context) => {
    const message = whyNoHistogram(text, samplesMax);
    if (message !== null) context.addIssue({ code: 'custom', message });
  });

function whyNoHistogram(text: string, samplesMax: number): string | null {
  const read = readCounts(text, () => {});
  if ('why' in read) return read.why;
  if (read.samples === 0) return 'a histogram without a sample';
  return read.samples <= samplesMax ? null : `a histogram of ${read.samples} samples: more than ${samplesMax}`;
}

/** What bounced the word of a calibration: the engine's Atomics, as once, or instructions of Wasm. */
export const crossedBy = z.enum(['js', 'wasm']).default('js');

/** A key of a table. */
export function names<Name extends string>(table: Record<Name, unknown>) {
  return z.enum(Object.keys(table) as [Name, ...Name[]]);
}
