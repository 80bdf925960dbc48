/**
 * The changes of level in one window of a series, by energy distance (`energy-cut.ts`), on values that are cut off.
 *
 * The window is cut where the energy distance between what is before and after is the greatest, the pieces likewise. In
 * place of the values stand their deviations from the median of the piece, in its scatter and cut off at three times
 * that: one bad run counts no more than a fairly bad one, however bad it is, and pieces can be compared.
 *
 * A cut is kept if it passes two tests:
 * - Hardly any random order of the values within the pieces could be cut as well.
 * - A step tells the values better than a straight line, and by more than it does in nearly all series that are made
 *   without a step: the straight line through the piece with noise that is as correlated from run to run as its own
 *   (`correlated-noise.ts`). Without this a machine that drifts or wanders slowly has changes all the time.
 */
import { noiseCorrelation, noiseLike } from './correlated-noise.ts';
import { bestCut, deviations, NO_CUT } from './energy-cut.ts';
import { cutOffAtLevels, type Piece } from './levels.ts';
import { shuffle } from './random.ts';
import { lineThrough, stepOverLine } from './step-or-line.ts';

export interface WindowTests {
  /** Fewest values between two cuts. */
  minSegment: number;
  /** Random orders that each cut is compared with; the series without a step are as many, times the correction. */
  permutations: number;
  /** The greatest p of a cut that is kept. */
  significance: number;
  /**
   * How many times smaller the second test's significance is, so that a false cut is as rare among all windows as it
   * would be in one. No cut is kept without the second test, so that the first one needs no correction.
   */
  correction: number;
  random: () => number;
}

export interface KeptCut {
  /** Of the first value behind it, in the window. */
  place: number;
  /** The greater one of the two tests, corrected. */
  p: number;
}

/** Its values are deviations, cut off. */
interface PieceOfWindow extends Piece {
  start: number;
}

/**
 * The cuts of a window, in order. A generator, so that the search can be spread over time: a step makes one random order,
 * or one series without a step, and cuts it. In O(permutations × correction × length²) for each cut.
 */
export function* cutsOf(window: readonly number[], tests: WindowTests): Generator<undefined, KeptCut[]> {
  const { minSegment, permutations, significance, correction, random } = tests;
  const pieceOf = (start: number, end: number): PieceOfWindow => {
    const values = deviations(window.slice(start, end));
    return { start, values, cut: bestCut(values, minSegment) };
  };
  /** The best cut there is when each piece is in a random order. */
  const shuffledDistance = (pieces: readonly Piece[]) => {
    let greatest = -Infinity;
    for (const { values } of pieces) {
      if (values.length < 2 * minSegment) continue;
      const shuffled = values.slice();
      shuffle(shuffled, 0, shuffled.length, random);
      greatest = Math.max(greatest, bestCut(shuffled, minSegment).distance);
    }
    return greatest;
  };
  /** How much a step gains where there is a line and noise only. */
  const lineGain = (piece: Piece, pieces: readonly Piece[]) => {
    const line = lineThrough(piece.values);
    const near = (of: Piece) => ({ ...of, values: cutOffAtLevels(of) });
    const noise = noiseLike(near(piece), noiseCorrelation(pieces.map(near)), random);
    return () => {
      const values = noise();
      for (let i = 0; i < values.length; i++) values[i]! += line[i]!;
      return stepOverLine({ values, cut: bestCut(values, minSegment) });
    };
  };
  /**
   * The part of what is drawn that reaches a value, which is counted as one of them. With a correction that many times
   * more is drawn, and what is found among it counts as if it were not more. Once the part is too great it stays so.
   */
  function* shareOf(draw: () => number, reached: number, times: number): Generator<undefined, number> {
    let asGood = 1;
    for (let drawn = 1; drawn < (permutations + 1) * times && asGood <= significance * (permutations + 1); drawn++) {
      if (draw() >= reached) asGood++;
      yield;
    }
    return asGood / (permutations + 1);
  }

  const pieces = [pieceOf(0, window.length)];
  const kept: KeptCut[] = [];
  for (;;) {
    const best = pieces.reduce((one, other) => (other.cut.distance > one.cut.distance ? other : one));
    if (best.cut === NO_CUT) break;
    const ofOrders = yield* shareOf(() => shuffledDistance(pieces), best.cut.distance, 1);
    if (ofOrders > significance) break;
    const ofLines = yield* shareOf(lineGain(best, pieces), stepOverLine(best), correction);
    if (ofLines > significance) {
      // No step, but the other pieces may have one.
      best.cut = NO_CUT;
      continue;
    }
    const place = best.start + best.cut.place;
    kept.push({ place, p: Math.max(ofOrders, ofLines) });
    pieces.splice(pieces.indexOf(best), 1, pieceOf(best.start, place), pieceOf(place, best.start + best.values.length));
  }
  return kept.sort((one, other) => one.place - other.place);
}
