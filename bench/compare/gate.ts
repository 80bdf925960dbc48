/** `--fail-on-regression`: what of a comparison must not pass. */
import type { CellComparison } from './comparison.ts';

/** Repetitions of a side below which notifications are not judged. */
const NOTIFICATIONS_COUNT_MIN = 3;

/** One line a reason; none: it passes. A speed must be slower by its verdict, and by the threshold with all its interval. */
export function regressions(cells: readonly CellComparison[], percent: number): string[] {
  return cells.flatMap(({ name, modes, notifications, failuresA, failuresB }) => {
    const of = name === '' ? '' : `${name}: `;
    const slower = modes
      .filter(({ verdict, high }) => verdict === 'slower' && high < 1 - percent / 100)
      .map(
        ({ ratio, low, high }) => `${of}${ratio.toFixed(3)} times as fast (${low.toFixed(3)} to ${high.toFixed(3)})`,
      );
    const enough = modes.some(({ countA, countB }) => Math.min(countA, countB) >= NOTIFICATIONS_COUNT_MIN);
    const ringing =
      notifications.verdict === 'more' && enough
        ? [`${of}notifications a transfer went from ${notifications.a.toFixed(4)} to ${notifications.b.toFixed(4)}`]
        : [];
    const failing = failuresB > failuresA ? [`${of}${failuresB} runs did not end well, ${failuresA} before`] : [];
    return [...slower, ...ringing, ...failing];
  });
}
