/**
 * What a Wasm engine leaves in the first words of its private area for the class around it: 32-bit words by number.
 * Integers alone, and no other import: the AssemblyScript sources read this file, too.
 *
 *     0 error number   1 index   2, 3 value (64-bit float)   4 to 6 as each engine says
 */
export const WORD_ERROR = 0;
export const WORD_INDEX = 1;
export const WORD_VALUE = 2;

/** The guest's: used length of the request taken back last, how many were cut, and that length uncut. */
export const WORD_USED_LENGTH = 4;
export const WORD_CLAMPED = 5;
export const WORD_CLAIMED_LENGTH = 6;

/** The host's: elements of the request read last; the head taken last, or the ring's size. */
export const WORD_READABLE = 4;
export const WORD_WRITABLE = 5;
export const WORD_HEAD = 6;

/** Length of these words, bytes. */
export const ENGINE_WORDS_SIZE = 32;

/** What a call returns instead of a head or token: there is none; the ring broke; one request is bad. */
export const NONE = -1;
export const RING_BROKE = -2;
export const REQUEST_BAD = -3;

/** Bits of what an add returns. */
export const ADDED = 1;
export const RING_ONCE = 2;
export const RING_TWICE = 4;
