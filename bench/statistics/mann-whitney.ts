/**
 * The rank-sum test of two samples: Mann & Whitney, On a Test of Whether one of Two Random Variables is Stochastically
 * Larger than the Other (Annals of Mathematical Statistics 18, 1947).
 */
import { normalTail } from './normal.ts';
import { sorted } from './sample.ts';

export interface MannWhitney {
  /** Pairs in which the value of `a` is the greater, a tie counting one half: R's `W`, SciPy's `statistic`. */
  u: number;
  /** Two-sided: the probability of a `u` at least as far from the middle, if both samples are of one distribution. */
  p: number;
  /** By counting all ways to divide the values; otherwise by the normal approximation. */
  exact: boolean;
}

/** Most values of both sides for which all ways to divide them are counted; the counts still are exact numbers. */
const EXACT_MAX = 50;

/** Twice the mean rank of every value of `all`, from 2, so that the ranks of ties are whole numbers; and the ties. */
function ranksOf(all: readonly number[]): { doubledRank: Map<number, number>; ties: number[] } {
  const inOrder = sorted(all);
  const doubledRank = new Map<number, number>();
  const ties: number[] = [];
  for (let start = 0; start < inOrder.length; ) {
    let end = start + 1;
    while (inOrder[end] === inOrder[start]) end++;
    doubledRank.set(inOrder[start]!, start + 1 + end);
    ties.push(end - start);
    start = end;
  }
  return { doubledRank, ties };
}

/**
 * The part of all ways to choose `count` of the ranks whose sum is at least `distance` from the middle one. Ways are
 * counted by how many ranks are chosen and by their sum, one rank after the other.
 */
function exactP(ranks: readonly number[], count: number, distance: number): number {
  const sumMax = ranks.slice(-count).reduce((sum, rank) => sum + rank, 0);
  const width = sumMax + 1;
  const ways = new Float64Array((count + 1) * width);
  ways[0] = 1;
  let reached = 0;
  for (const [taken, rank] of ranks.entries()) {
    reached = Math.min(sumMax, reached + rank);
    // From the most chosen, so that no rank is chosen twice.
    for (let chosen = Math.min(count, taken + 1); chosen > 0; chosen--) {
      const to = chosen * width;
      const from = to - width - rank;
      for (let sum = rank; sum <= reached; sum++) ways[to + sum]! += ways[from + sum]!;
    }
  }
  const middle = (count * ranks.reduce((sum, rank) => sum + rank, 0)) / ranks.length;
  let all = 0;
  let far = 0;
  for (const [sum, number] of ways.subarray(count * width).entries()) {
    all += number;
    if (Math.abs(sum - middle) >= distance) far += number;
  }
  return far / all;
}

/**
 * Whether values of one sample tend to be greater than those of the other: two-sided, exact for up to 50 values of both
 * sides (ties too: by permutation of the mean ranks), by the normal approximation with corrections for ties and for
 * continuity for more.
 */
export function mannWhitney(a: readonly number[], b: readonly number[]): MannWhitney {
  if (a.length === 0 || b.length === 0) throw new RangeError(`nothing to compare: ${a.length} and ${b.length} values`);
  const all = [...a, ...b];
  const wrong = all.findIndex((value) => Number.isNaN(value));
  if (wrong !== -1) throw new RangeError(`value ${wrong} of both samples is not a number`);
  const { doubledRank, ties } = ranksOf(all);
  const ranks = all.map((value) => doubledRank.get(value)!);
  const sum = ranks.slice(0, a.length).reduce((total, rank) => total + rank, 0);
  const u = sum / 2 - (a.length * (a.length + 1)) / 2;
  const distance = Math.abs(u - (a.length * b.length) / 2);
  const count = all.length;
  if (count <= EXACT_MAX)
    return {
      u,
      p: exactP(
        ranks.sort((x, y) => x - y),
        a.length,
        2 * distance,
      ),
      exact: true,
    };
  const tied = ties.reduce((total, size) => total + size ** 3 - size, 0) / (count * (count - 1));
  const variance = ((a.length * b.length) / 12) * (count + 1 - tied);
  const deviate = Math.max(0, distance - 0.5) / Math.sqrt(variance);
  return { u, p: variance === 0 ? 1 : 2 * normalTail(deviate), exact: false };
}

/** The smallest two-sided p there can be with so many values a side: all of one side above all of the other. */
export function smallestP(countA: number, countB: number): number {
  let ways = 1;
  for (let k = 1; k <= countB; k++) ways = (ways * (countA + k)) / k;
  return Math.min(1, 2 / ways);
}
