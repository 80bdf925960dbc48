/** A mode of a cell and its verdict, as they are called in every output. */
import { MORE_MAX } from '../statistics/verdict.ts';
import type { CellComparison, ModeComparison } from './comparison.ts';

export function verdictOf({ speed: { verdict, moreRepetitions } }: ModeComparison): string {
  if (verdict !== 'not enough data' || moreRepetitions === null) return verdict;
  const more = moreRepetitions === MORE_MAX ? `${MORE_MAX} or more` : `${moreRepetitions} more`;
  return `not enough data: ${more} a side`;
}

export function nameOf({ name }: Pick<CellComparison, 'name'>, { crossingNs }: ModeComparison): string {
  if (crossingNs === null) return name;
  const mode = `CPU to CPU ${crossingNs[0].toFixed(0)} – ${crossingNs[1].toFixed(0)} ns`;
  return name === '' ? mode : `${name}, ${mode}`;
}
