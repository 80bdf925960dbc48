/** `--fail-on-regression`: what of a comparison must not pass. */
import type { CellComparison } from './comparison.ts';

/** By how much all of the interval of notifications must lie above 1. */
const RINGS_PERCENT = 2;

const failureRate = (failures: number, count: number) => (failures === 0 ? 0 : failures / (failures + count));

/**
 * One line a reason; none: it passes. A speed must be slower by its verdict, and by the threshold with all its interval;
 * notifications are nearly free of noise, and held to less.
 */
export function regressions(cells: readonly CellComparison[], percent: number): string[] {
  if (cells.every(({ modes }) => modes.length === 0)) return ['no cell could be compared'];
  return cells.flatMap(({ name, modes, failuresA, failuresB, countA, countB }) => {
    const of = name === '' ? '' : `${name}: `;
    const slower = modes
      .filter(({ speed }) => speed.verdict === 'slower' && speed.high < 1 - percent / 100)
      .map(({ speed: { ratio, low, high } }) => {
        return `${of}${ratio.toFixed(3)} times as fast (${low.toFixed(3)} to ${high.toFixed(3)})`;
      });
    const ringing = modes
      .filter(({ notifications }) => notifications.verdict === 'more' && notifications.low > 1 + RINGS_PERCENT / 100)
      .map(({ notifications: { medianA, medianB } }) => {
        return `${of}notifications a transfer went from ${medianA.toFixed(4)} to ${medianB.toFixed(4)}`;
      });
    const failing =
      failureRate(failuresB, countB) > failureRate(failuresA, countA)
        ? [`${of}${failuresB} of ${failuresB + countB} did not end well, ${failuresA} of ${failuresA + countA} before`]
        : [];
    return [...slower, ...ringing, ...failing];
  });
}
