/**
 * How much a test does whose count proves little by itself: enough for `npm test`, or all that must hold
 * (`npm test -- --long`).
 */
const LONG = process.env.VRINGBENCH_TESTS === 'long';

export const inLength = <T>(short: T, long: T): T => (LONG ? long : short);
