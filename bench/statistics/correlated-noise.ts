/**
 * Noise in which each value resembles the one before: x(t) = r · x(t − 1) + e(t), an autoregression of the first order.
 * How much of it a series has beside its levels, and more noise like it, for tests that would otherwise take a slow
 * wander for a change.
 */
import { bestCut } from './energy-cut.ts';
import { levelsOf, type Piece } from './levels.ts';
import { shuffle } from './random.ts';
import { mean } from './sample.ts';

/** The greatest correlation that is assumed: above it nothing is told from a walk. */
const CORRELATION_MAX = 0.97;
/** The estimate is raised by half its own standard deviation, so that the tests built on it keep their rate. */
const CAUTION = 0.5;
/** Pieces of fewer values are not cut for the estimate. */
const CUT_MIN = 12;
const SEGMENT_MIN = 3;
/**
 * Segments follow the noise and hide a part of its correlation r: about (1 + r) / n times these, from simulations of n
 * values without a change, of their levels around one cut and of those around cuts within cuts.
 */
const HIDDEN_BY_CUT = 5;
const HIDDEN_BY_CUTS_WITHIN = 24;

function aroundMean(values: Float64Array): Float64Array {
  const middle = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - middle);
}

/** What the levels of a piece leave of its values, level by level. */
const residualsOf = (piece: Piece): Float64Array[] => levelsOf(piece).map(aroundMean);

/** The same with each of the levels cut in its turn. */
const residualsWithin = (piece: Piece): Float64Array[] =>
  levelsOf(piece).flatMap((values) =>
    values.length < CUT_MIN ? [aroundMean(values)] : residualsOf({ values, cut: bestCut(values, SEGMENT_MIN) }),
  );

function correlationOf(segments: readonly Float64Array[], hidden: number): number {
  let [count, products, squares] = [0, 0, 0];
  for (const segment of segments)
    for (let i = 0; i < segment.length; i++) {
      count++;
      squares += segment[i]! ** 2;
      if (i > 0) products += segment[i]! * segment[i - 1]!;
    }
  if (squares === 0) return 0;
  const seen = products / squares;
  const corrected = Math.min(CORRELATION_MAX, seen + ((1 + seen) * hidden) / count);
  return corrected + CAUTION * Math.sqrt(Math.max(0, 1 - corrected ** 2) / count);
}

/**
 * The correlation of a series that was cut into these pieces, from 0 up: the lower of two estimates, one of which allows
 * for more changes than the best cut of each piece, so that several levels are not taken for correlation.
 */
export function noiseCorrelation(pieces: readonly Piece[]): number {
  const one = correlationOf(pieces.flatMap(residualsOf), HIDDEN_BY_CUT);
  const several = correlationOf(pieces.flatMap(residualsWithin), HIDDEN_BY_CUTS_WITHIN);
  return Math.max(0, Math.min(CORRELATION_MAX, one, several));
}

/**
 * Makes noise as a piece has it around its best cut, of the same length and correlation: its residuals without their
 * correlation, in a random order, with it again.
 */
export function noiseLike(piece: Piece, correlation: number, random: () => number): () => Float64Array {
  const started = Math.sqrt(1 - correlation ** 2);
  const residuals = residualsOf(piece);
  const fresh = residuals.flatMap((segment) =>
    Array.from(segment, (value, i) => (i === 0 ? started * value : value - correlation * segment[i - 1]!)),
  );
  const middle = mean(fresh);
  const squares = (values: readonly number[]) => values.reduce((sum, value) => sum + value ** 2, 0);
  const centred = fresh.map((value) => value - middle);
  // What is too much correlation for a piece must not make its noise too small or too great.
  const scale = Math.sqrt(residuals.reduce((sum, of) => sum + squares([...of]), 0) / squares(centred)) * started || 0;
  const innovations = Float64Array.from(centred, (value) => value * scale);
  return () => {
    const noise = innovations.slice();
    shuffle(noise, 0, noise.length, random);
    noise[0]! /= started;
    for (let i = 1; i < noise.length; i++) noise[i]! += correlation * noise[i - 1]!;
    return noise;
  };
}
