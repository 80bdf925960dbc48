/**
 * What a transfer costs by itself and what each of its bytes costs, told apart: a straight line through what transfers
 * of several sizes took. Pure; the page has it, too.
 */
import { greatest, median } from './sample.ts';

export interface CostPoint {
  bytes: number;
  /** What a transfer of so many bytes took, nanoseconds; above 0. */
  ns: number;
}

export interface Cost {
  fixedNs: number;
  perByteNs: number;
  /** How far the point that is farthest from the line lies from it, a share of what it took. */
  worst: number;
}

/** Huber's: below this many scatters a point counts fully. 95 % as good as least squares where all is normal. */
const HUBER = 1.345;
/** A normal distribution's standard deviation by the median of the deviations from it. */
const SCATTER_OF_MEDIAN = 1.4826;
const ROUNDS = 50;
const EXACT = 1e-9;

/**
 * Least squares of relative deviations: 5 % count alike at 200 ns and at 20 µs. Points far from the others count less
 * (Huber's weights, anew until they settle). Null of fewer than three sizes: two points are always on a line.
 */
export function fitCost(points: readonly CostPoint[]): Cost | null {
  if (new Set(points.map(({ bytes }) => bytes)).size < 3) return null;
  let weights = points.map(() => 1);
  let line = lineThrough(points, weights);
  for (let round = 0; round < ROUNDS; round++) {
    const off = points.map((point) => offBy(line, point));
    const bound = HUBER * SCATTER_OF_MEDIAN * median(off);
    if (bound < EXACT) weights = off.map((share) => (share < EXACT ? 1 : EXACT));
    else weights = off.map((share) => Math.min(1, bound / share));
    line = lineThrough(points, weights);
  }
  return { ...line, worst: greatest(points.map((point) => offBy(line, point))) };
}

type Line = Omit<Cost, 'worst'>;

export const nsAt = ({ fixedNs, perByteNs }: Line, bytes: number) => fixedNs + perByteNs * bytes;

const offBy = (line: Line, { bytes, ns }: CostPoint) => Math.abs(ns - nsAt(line, bytes)) / ns;

function lineThrough(points: readonly CostPoint[], weights: readonly number[]): Line {
  const of = points.map(({ ns }, i) => weights[i]! / ns ** 2);
  const sum = (value: (point: CostPoint) => number) =>
    points.reduce((total, point, i) => total + of[i]! * value(point), 0);
  const weight = sum(() => 1);
  const bytes = sum((point) => point.bytes) / weight;
  const ns = sum((point) => point.ns) / weight;
  const perByteNs =
    sum((point) => (point.bytes - bytes) * (point.ns - ns)) / sum((point) => (point.bytes - bytes) ** 2);
  return { fixedNs: ns - perByteNs * bytes, perByteNs };
}

const DIGITS = 3;
const GROUPED_FROM = 1000;
function figure(value: number): string {
  const rounded = Number(value.toPrecision(DIGITS));
  return Math.abs(rounded) < GROUPED_FROM ? rounded.toString() : rounded.toLocaleString('en-US');
}

/** Like `213 ns a transfer + 0.157 ns a byte (6.37 GB/s)`; a rate only where bytes cost something. */
export function sayCost({ fixedNs, perByteNs }: Line): string {
  const rate = perByteNs > 0 ? ` (${figure(1 / perByteNs)} GB/s)` : '';
  return `${figure(fixedNs)} ns a transfer ${perByteNs < 0 ? '−' : '+'} ${figure(Math.abs(perByteNs))} ns a byte${rate}`;
}
