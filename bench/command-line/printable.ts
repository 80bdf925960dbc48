/** A stranger's text as it may be printed or written anywhere. Any thread. */

/** The text on one line: without control characters, without those that turn the direction of writing, without line ends. */
export const printable = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, '·');
