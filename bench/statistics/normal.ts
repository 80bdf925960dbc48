/** The standard normal distribution, to all digits of a number. */

/** From here on the continued fraction is the better of the two. */
const FAR = 3;
const FRACTION_TERMS = 60;

/** The probability of a value above `z`. */
export function normalTail(z: number): number {
  if (Number.isNaN(z)) return z;
  if (z < 0) return 1 - normalTail(-z);
  const density = Math.exp(-z * z * 0.5) / Math.sqrt(2 * Math.PI);
  if (density === 0) return 0;
  if (z < FAR) {
    // Marsaglia, Evaluating the Normal Distribution (Journal of Statistical Software 11, 2004): z + z³/3 + z⁵/15 + …
    let sum = z;
    let term = z;
    for (let odd = 3; term > sum * Number.EPSILON; odd += 2) {
      term *= (z * z) / odd;
      sum += term;
    }
    return 0.5 - density * sum;
  }
  // Laplace: 1 / (z + 1 / (z + 2 / (z + 3 / …))).
  let rest = z;
  for (let k = FRACTION_TERMS; k > 0; k--) rest = z + k / rest;
  return density / rest;
}

/** The greatest deviate that is told from infinity: what lies beyond has no probability a number can hold. */
const DEVIATE_MAX = 38;

/** The deviate of at least 0 with the probability `tail` (0 to 1/2) above it: the inverse of `normalTail`. */
export function normalDeviate(tail: number): number {
  if (!(tail >= 0 && tail <= 0.5)) throw new RangeError(`a tail is from 0 to 0.5, not ${tail}`);
  let low = 0;
  let high = DEVIATE_MAX;
  // Halved until no number lies between.
  for (let middle = high / 2; middle > low && middle < high; middle = (low + high) / 2) {
    if (normalTail(middle) > tail) low = middle;
    else high = middle;
  }
  return low;
}
