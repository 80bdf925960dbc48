/**
 * Many compared with one, all at once: intervals that hold for whichever of them is looked at, so also for the one that
 * came out best. C. W. Dunnett, A multiple comparison procedure for comparing several treatments with a control (Journal
 * of the American Statistical Association 50, 1955), on the differences of each round, which what slows a whole round
 * down leaves as they are.
 *
 * A few rounds tell little of a scatter. Where many are compared, each borrows from the others as much as these are
 * alike: G. K. Smyth, Linear models and empirical Bayes methods (Statistical Applications in Genetics and Molecular
 * Biology 3, 2004). Few, or scatters that differ much, borrow nothing.
 */
import { digamma, pentagamma, trigamma } from './gamma.ts';
import { normalFrom, randomFrom } from './random.ts';
import { mean, quantile, standardDeviation } from './sample.ts';

/** What is known of one of the many: its mean difference from the one, and an interval of it. */
export interface Difference {
  mean: number;
  low: number;
  high: number;
}

export interface ManyToOne {
  differences: Difference[];
  /** About how many rounds it takes until a difference as large as that of the number `which` is told from none. */
  roundsNeeded(which: number): number;
}

/** Of all that is compared together, the intervals hold in so many tries. */
const CONFIDENCE = 0.95;
/** Fewer than these say nothing of how alike scatters are. */
const BORROWERS_MIN = 8;
/**
 * Scatters are taken to differ by more than they seem to, by as many standard errors: borrowing too much names what is
 * only noisy, borrowing too little nothing.
 */
const CAUTION = 2;
/** Alike as they can be: more would change nothing. */
const BORROWED_DF_MAX = 60;
/** With as many rounds more of them know a scatter no better. */
const FAR = 128;
const TRIES = 4000;
/** In all, where many are compared. */
const DRAWS_MAX = 1_000_000;
const TRIES_MIN = 500;
const SEED = 1955;

/**
 * @param rounds of each of the many, its difference from the one in each round, at least two and as many for each.
 * @throws RangeError
 */
export function manyToOne(rounds: readonly (readonly number[])[]): ManyToOne {
  const count = rounds[0]?.length ?? 0;
  if (count < 2 || rounds.some((of) => of.length !== count))
    throw new RangeError('each of those compared has the same two rounds at least');
  const variances = rounds.map((of) => standardDeviation(of) ** 2);
  const { df, variance } = borrowed(variances, count - 1);
  const freedom = df + count - 1;
  const errors = variances.map((own) => Math.sqrt((df * variance + (count - 1) * own) / freedom / count));
  const reach = criticalValue(rounds.length, freedom);
  /** With how many rounds such a difference would be told, if the critical value were that of `assumed` rounds. */
  const roundsBy = (which: number, assumed: number) => {
    const reach = criticalValue(rounds.length, df + assumed - 1);
    return Math.ceil(count * ((reach * errors[which]!) / mean(rounds[which]!)) ** 2);
  };
  return {
    differences: rounds.map((of, i) => {
      const middle = mean(of);
      return { mean: middle, low: middle - reach * errors[i]!, high: middle + reach * errors[i]! };
    }),
    roundsNeeded: (which) => {
      // More rounds know the scatter better, too: the least number that is enough by its own critical value.
      const far = roundsBy(which, FAR);
      if (far >= FAR) return far;
      let [low, high] = [1, FAR];
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (roundsBy(which, middle) <= middle) high = middle;
        else low = middle;
      }
      return high;
    },
  };
}

/** The scatter that all have in common, and how many degrees of freedom it is worth to each. */
function borrowed(variances: readonly number[], own: number): { df: number; variance: number } {
  const positive = variances.filter((variance) => variance > 0);
  if (positive.length < BORROWERS_MIN) return { df: 0, variance: 0 };
  const logs = positive.map((variance) => Math.log(variance) - digamma(own / 2) + Math.log(own / 2));
  const spread = standardDeviation(logs) ** 2;
  // Logarithms of sums of few squares have a long tail, by which their spread is known worse than that of normal numbers.
  const tail = pentagamma(own / 2) / trigamma(own / 2) ** 2;
  const error = Math.sqrt((2 + tail) / (logs.length - 1));
  const differing = spread * (1 + CAUTION * error) - trigamma(own / 2);
  const df = differing <= 0 ? BORROWED_DF_MAX : dfOfSpread(differing);
  return { df, variance: Math.exp(mean(logs) + digamma(df / 2) - Math.log(df / 2)) };
}

/** The degrees of freedom with which logarithms of variances differ by that variance. */
function dfOfSpread(differing: number): number {
  let low = 0.01;
  let high = BORROWED_DF_MAX;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (trigamma(middle / 2) > differing) low = middle;
    else high = middle;
  }
  return low;
}

const criticalValues = new Map<string, number>();

/** What the largest of `many` deviations, in their own estimated scatters, stays below; drawn once for each. */
function criticalValue(many: number, df: number): number {
  const rounded = df < SQUARES_MAX ? Math.floor(df) : Math.floor(4 * df) / 4;
  const key = `${many} ${rounded}`;
  const value = criticalValues.get(key) ?? drawCriticalValue(many, Math.max(1, rounded));
  criticalValues.set(key, value);
  return value;
}

/** They have the one's own deviation in common. */
function drawCriticalValue(many: number, df: number): number {
  const tries = Math.max(TRIES_MIN, Math.min(TRIES, Math.floor(DRAWS_MAX / many)));
  const deviate = deviates(tries * (1 + many * (1 + deviatesOfSquare(df))));
  const largest = Array.from({ length: tries }, () => {
    const shared = deviate();
    let most = 0;
    for (let i = 0; i < many; i++) {
      const deviation = (shared + deviate()) / Math.SQRT2 / Math.sqrt(meanSquare(df, deviate));
      most = Math.max(most, Math.abs(deviation));
    }
    return most;
  });
  return quantile(largest, CONFIDENCE);
}

/** As many are kept: 8 MiB, enough for a hundred that are compared. */
const KEPT_MAX = 2 ** 20;
let kept = new Float64Array(0);

/** The first `count` deviates of the seed. Each critical value takes the same ones, and making them is most of its work. */
function deviates(count: number): () => number {
  const deviate = normalFrom(randomFrom(SEED));
  if (count > KEPT_MAX) return deviate;
  if (kept.length < count) kept = new Float64Array(count).map(deviate);
  let next = 0;
  return () => kept[next++]!;
}

/** Up to here a mean of squares is drawn square by square. */
const SQUARES_MAX = 6;

const squaresOf = (df: number) => Math.max(1, Math.round(df));
const deviatesOfSquare = (df: number) => (squaresOf(df) > SQUARES_MAX ? 1 : squaresOf(df));

/** The mean of `df` squares of deviates; of many by E. B. Wilson and M. M. Hilferty (1931). */
function meanSquare(df: number, deviate: () => number): number {
  const squares = squaresOf(df);
  if (squares > SQUARES_MAX) {
    const root = 1 - 2 / (9 * df) + deviate() * Math.sqrt(2 / (9 * df));
    return root * root * root;
  }
  let sum = 0;
  for (let i = 0; i < squares; i++) sum += deviate() ** 2;
  return sum / squares;
}
