/**
 * Why the launcher cannot start a guest, as a typed error. What the person at the command line gave is wrong, or a file
 * is: a caller's own mistake is a RangeError, a guest's misbehaviour on a ring a RingError.
 */

/** Each code and what it says, in the original's words where it has some. The codes are part of the public interface. */
export const LAUNCHER_ERRORS = {
  // Memory.
  'memory-size': 'Bad memory size',
  'invalid-address': 'Invalid address',
  'no-device-memory': 'Not enough memory for devices',
  'too-many-devices': 'Too many devices',
  // Images.
  'image-unreadable': 'Failed to open',
  'image-truncated': 'Reading',
  'malformed-elf': 'Malformed elf header',
  'not-a-bzimage': "This doesn't look like a bzImage to me",
  'malformed-bzimage': 'Malformed bzImage header',
  'empty-image': 'Nothing to load',
  'outside-memory': 'Not enough memory to load',
  overlap: 'Overlapping in memory:',
  'command-line': 'Bad command line',
} as const;

export type LauncherErrorCode = keyof typeof LAUNCHER_ERRORS;

export class LauncherError extends Error {
  readonly code: LauncherErrorCode;
  /** The number that was wrong; null where none was. */
  readonly value: number | null;

  /** `detail` follows the code's words as it is: with its own space, colon or number. */
  constructor(code: LauncherErrorCode, value: number | null, detail = '') {
    super(`${LAUNCHER_ERRORS[code]}${detail}`);
    this.name = 'LauncherError';
    this.code = code;
    this.value = value;
  }
}

/** A number as the original prints addresses. */
export const hex = (value: number): string => `${value < 0 ? '-' : ''}0x${Math.abs(value).toString(16)}`;
