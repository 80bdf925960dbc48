/** Derivatives of the logarithm of the gamma function, for arguments above 0. */

/** From here on the series is good to all digits that matter. */
const FAR = 8;

/** ψ(x). */
export function digamma(x: number): number {
  let shift = 0;
  let at = x;
  for (; at < FAR; at++) shift -= 1 / at;
  const square = 1 / (at * at);
  return shift + Math.log(at) - 1 / (2 * at) - square * (1 / 12 - square * (1 / 120 - square / 252));
}

/** ψ′(x). */
export function trigamma(x: number): number {
  let shift = 0;
  let at = x;
  for (; at < FAR; at++) shift += 1 / (at * at);
  const square = 1 / (at * at);
  return shift + 1 / at + square / 2 + (square / at) * (1 / 6 - square * (1 / 30 - square / 42));
}

/** ψ‴(x). */
export function pentagamma(x: number): number {
  let shift = 0;
  let at = x;
  for (; at < FAR; at++) shift += 6 / at ** 4;
  const square = 1 / (at * at);
  return shift + (square / at) * (2 + 3 / at + square * (2 - square * (1 - square * (4 / 3 - 3 * square))));
}
