/** What of a comparison must not pass: `--fail-on-regression`, `--require-all`, `--require-verdict`. */
import type { CellComparison } from './comparison.ts';
import { nameOf, verdictOf } from './verdicts.ts';

export interface Gate {
  /** Percent by which a speed must not surely fall; null: no figure decides. */
  failOnRegression: number | null;
  /** Cells of A may be missing in B all the same. */
  allowMissing: boolean;
  /** Every cell must be in both. */
  requireAll: boolean;
  /** Every cell must have a verdict. */
  requireVerdict: boolean;
}

/** What the gate looks at: the cells of both, and those of only one by their names. */
export interface Gated {
  cells: readonly CellComparison[];
  onlyA: readonly string[];
  onlyB: readonly string[];
}

/** Why the gate does not pass, or what it passed without having looked at it. */
export interface Finding {
  what: 'regression' | 'missing' | 'no verdict';
  text: string;
  fails: boolean;
}

/** By how much all of the interval of notifications must lie above 1. */
const RINGS_PERCENT = 2;

/** In the order in which they are told. It passes if none fails. */
export function findings({ cells, onlyA, onlyB }: Gated, gate: Gate): Finding[] {
  const { failOnRegression, allowMissing, requireAll, requireVerdict } = gate;
  const gates = failOnRegression !== null;
  const of = (what: Finding['what'], fails: boolean, texts: readonly string[]) =>
    texts.map((text): Finding => ({ what, text, fails }));
  return [
    ...of('regression', true, gates ? regressions(cells, failOnRegression) : []),
    ...of(
      'missing',
      requireAll || (gates && !allowMissing),
      onlyA.map((name) => `not in B: ${name}`),
    ),
    ...of(
      'missing',
      requireAll,
      onlyB.map((name) => `not in A: ${name}`),
    ),
    ...of('no verdict', requireVerdict, gates || requireVerdict ? withoutVerdict(cells) : []),
  ];
}

/** Cells and modes of which it cannot be said whether they are slower. */
function withoutVerdict(cells: readonly CellComparison[]): string[] {
  return cells.flatMap((cell) => {
    const told = (name: string, verdict: string) => (name === '' ? verdict : `${name}: ${verdict}`);
    if (cell.modes.length === 0) return [told(cell.name, 'not compared')];
    return cell.modes
      .filter(({ speed }) => speed.verdict === 'not enough data')
      .map((mode) => told(nameOf(cell, mode), verdictOf(mode)));
  });
}

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
