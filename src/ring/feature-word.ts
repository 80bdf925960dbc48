/** Feature bits as the 64-bit word that a device offers. Either thread, at set-up. */

/** The word with these bit numbers set. */
export const featureWord = (...bits: readonly number[]): bigint =>
  bits.reduce((word, bit) => word | (1n << BigInt(bit)), 0n);

/** True if `word` has bit number `bit`. */
export const hasFeature = (word: bigint, bit: number): boolean => ((word >> BigInt(bit)) & 1n) === 1n;
