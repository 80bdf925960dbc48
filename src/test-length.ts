/**
 * How much a test does whose count proves little by itself: enough for `npm test`, or all that must hold
 * (`npm test -- --long`).
 */
const LONG = process.env.VRINGBENCH_TESTS === 'long';

export const inLength = <T>(short: T, long: T): T => (LONG ? long : short);

/**
 * Whether a test of every combination has this one, whose choices stand in their lists at these places: in the long
 * form each. In the short form each second one, among which are all combinations of all lists but any one, as the
 * place in that one can make the sum even.
 */
export const inCombinations = (...places: readonly number[]): boolean =>
  LONG || places.reduce((sum, place) => sum + place, 0) % 2 === 0;
