/** Whether a series went from one level to another, or along a straight line. */
import { cutOffAtLevels, type Piece } from './levels.ts';

/** The straight line through values, by least squares. */
export function lineThrough(values: Float64Array): Float64Array {
  const middle = (values.length - 1) / 2;
  let [sum, products, squares] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    sum += values[i]!;
    products += (i - middle) * values[i]!;
    squares += (i - middle) ** 2;
  }
  const slope = squares === 0 ? 0 : products / squares;
  return values.map((_, i) => sum / values.length + slope * (i - middle));
}

/** The sum of the squares of what the model leaves of the values. */
function squaresLeft(values: Float64Array, model: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i]! - model[i]!) ** 2;
  return sum;
}

function squaresAroundMean(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  const mean = sum / values.length;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i]! - mean) ** 2;
  return squares;
}

/** By how much the squares are fewer that a step at `place` leaves than those that a line leaves, in variances around the step. */
function gain(values: Float64Array, place: number): number {
  const step = squaresAroundMean(values.subarray(0, place)) + squaresAroundMean(values.subarray(place));
  const variance = step / Math.max(1, values.length - 2) || Number.MIN_VALUE;
  return (squaresLeft(values, lineThrough(values)) - step) / variance;
}

/**
 * How much better a step tells the values around a cut than a straight line, in variances around the step: 0 for as
 * well. Among all values that the cut compares, or among as many before as after it, whichever is greater: a staircase
 * is much like a line as a whole, but not from one step to the next. Single values far away do not count fully.
 */
export function stepOverLine(piece: Piece): number {
  const { place, end } = piece.cut;
  const values = cutOffAtLevels(piece);
  const reach = Math.min(place, values.length - place);
  return Math.max(gain(values.subarray(0, end), place), gain(values.subarray(place - reach, place + reach), reach));
}
