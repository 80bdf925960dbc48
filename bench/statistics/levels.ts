/** A piece of a series as the levels that its best cut gives it: before the cut, after it, and after what was compared. */
import { CUT_OFF, type Cut, standardScatter } from './energy-cut.ts';

export interface Piece {
  values: Float64Array;
  cut: Cut;
}

/** The middle value, the upper one of an even count; NaN of nothing. `sample.ts` has the exact one, which is slower. */
const middleOf = (values: Float64Array): number => values.slice().sort()[values.length >> 1] ?? Number.NaN;

/** The values level by level. None is empty. */
export const levelsOf = ({ values, cut: { place, end } }: Piece): Float64Array[] =>
  [values.subarray(0, place), values.subarray(place, end), values.subarray(end)].filter(({ length }) => length > 0);

/**
 * The values, those far from their level cut off at three standard deviations from it: a piece's own scatter, by which
 * its values were cut off before, is wide where its levels lie far apart.
 */
export function cutOffAtLevels(piece: Piece): Float64Array {
  const near = piece.values.slice();
  const residuals = new Float64Array(near.length);
  const middles = new Float64Array(near.length);
  let start = 0;
  for (const level of levelsOf(piece)) {
    middles.fill(middleOf(level), start, start + level.length);
    start += level.length;
  }
  for (let i = 0; i < near.length; i++) residuals[i] = Math.abs(near[i]! - middles[i]!);
  const reach = CUT_OFF * standardScatter(middleOf(residuals), residuals);
  for (let i = 0; i < near.length; i++)
    near[i] = Math.max(middles[i]! - reach, Math.min(middles[i]! + reach, near[i]!));
  return near;
}
