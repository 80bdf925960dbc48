/**
 * Where a series of runs changed for good: by energy distance (`energy-cut.ts`), on values that are cut off.
 *
 * The series is cut where the energy distance between what is before and after is the greatest, the pieces likewise. In
 * place of the values stand their deviations from the median of the piece, in its scatter and cut off at three times
 * that: one bad run counts no more than a fairly bad one, however bad it is, and pieces can be compared.
 *
 * A cut is kept if it passes two tests:
 * - Hardly any random order of the values within the pieces could be cut as well.
 * - A step tells the values better than a straight line, and by more than it does in nearly all series that are made
 *   without a step: the straight line through the piece with noise that is as correlated from run to run as its own
 *   (`correlated-noise.ts`). Without this a machine that drifts or wanders slowly has changes all the time.
 *
 * Simulated with 3 % normal scatter, 400 series each, 199 orders; `r` is the correlation of a run with the one before.
 * Series without a change that have a change point:
 * - 30, 100 and 150 independent runs: 0 to 0.5 %; r = 0.5: about 1 %; r = 0.8: 3 to 3.5 %.
 * - A straight rise over all runs, by 6 %: 0.3 to 0.8 %, with r = 0.5 2.8 %; by 20 %: none.
 * - A slow wave by ± 3 %, once up and down in 100 runs: 31 %. What bends slowly is still taken for steps.
 *
 * Series with a change that have it within three runs, and no other:
 * - By 5 %: 64 % of those of 50 runs before and 50 after, 10 % of 20 and 20. By 10 % of 20 and 20: 84 %.
 * - By 30 % after 40 runs: 75 % from the third run on, 89 % from the fourth.
 * - With r = 0.5, 50 runs before and 50 after: by 5 % 17 %, by 10 % 80 %.
 *
 * The second test costs some of these: random orders alone found a step by 5 % of 20 and 20 runs in 79 %, and of 50 and
 * 50 in 93 %, but had a change point in 52 to 98 % of series of 100 runs that correlate, and in 94 % of those that rise.
 */
import { noiseCorrelation, noiseLike } from './correlated-noise.ts';
import { bestCut, deviations, NO_CUT } from './energy-cut.ts';
import { cutOffAtLevels, type Piece } from './levels.ts';
import { randomFrom, shuffle } from './random.ts';
import { median } from './sample.ts';
import { lineThrough, stepOverLine } from './step-or-line.ts';

export interface ChangePointOptions {
  /** Fewest values between two change points: 3 if not given, at least 2. */
  minSegment?: number;
  /** Random orders, and series without a step, that each cut is compared with: 499 of each if not given. */
  permutations?: number;
  /** The greatest p of a cut that is kept: 0.01 if not given. Also the chance of any in a series of noise. */
  significance?: number;
  /** Of all that is random: the same seed finds the same. 1 if not given. */
  seed?: number;
}

export interface ChangePoint {
  /** Of the first value after the change. */
  index: number;
  /** The part of the random orders that could be cut as well, or of the series without a step; the greater. */
  p: number;
  /** Medians from the change point before to this one, and from this one to the next. */
  before: number;
  after: number;
}

/** Its values are deviations, cut off. */
interface PieceOfSeries extends Piece {
  start: number;
}

/** The changes of level or of scatter in a series in the order of time, by their index. In O(permutations × length²). */
export function changePoints(series: readonly number[], options: ChangePointOptions = {}): ChangePoint[] {
  const { minSegment = 3, permutations = 499, significance = 0.01, seed = 1 } = options;
  if (!(minSegment >= 2)) throw new RangeError(`a segment has at least 2 values, not ${minSegment}`);
  if (!(permutations >= 1)) throw new RangeError(`at least one permutation, not ${permutations}`);
  const wrong = series.findIndex((value) => !Number.isFinite(value));
  if (wrong !== -1) throw new RangeError(`value ${wrong} of the series is ${series[wrong]}`);
  const random = randomFrom(seed);
  const pieceOf = (start: number, end: number): PieceOfSeries => {
    const values = deviations(series.slice(start, end));
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
  /** The part of what is drawn that reaches a value, which is counted as one of them; once it is too great it stays so. */
  const shareOf = (draw: () => number, reached: number) => {
    let asGood = 1;
    for (let i = 0; i < permutations && asGood <= significance * (permutations + 1); i++)
      if (draw() >= reached) asGood++;
    return asGood / (permutations + 1);
  };

  const pieces = [pieceOf(0, series.length)];
  const found: { index: number; p: number }[] = [];
  for (;;) {
    const best = pieces.reduce((one, other) => (other.cut.distance > one.cut.distance ? other : one));
    if (best.cut === NO_CUT) break;
    const ofOrders = shareOf(() => shuffledDistance(pieces), best.cut.distance);
    if (ofOrders > significance) break;
    const ofLines = shareOf(lineGain(best, pieces), stepOverLine(best));
    if (ofLines > significance) {
      // No step, but the other pieces may have one.
      best.cut = NO_CUT;
      continue;
    }
    const index = best.start + best.cut.place;
    found.push({ index, p: Math.max(ofOrders, ofLines) });
    pieces.splice(pieces.indexOf(best), 1, pieceOf(best.start, index), pieceOf(index, best.start + best.values.length));
  }
  found.sort((one, other) => one.index - other.index);
  const bounds = [0, ...found.map(({ index }) => index), series.length];
  const medians = bounds.slice(1).map((end, i) => median(series.slice(bounds[i], end)));
  return found.map(({ index, p }, i) => ({ index, p, before: medians[i]!, after: medians[i + 1]! }));
}
