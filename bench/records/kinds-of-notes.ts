/** Notes and warnings that differ in their numbers alone are of one kind, and said once. Any thread. */

/** What a note says, whatever its numbers. */
export const kindOf = (note: string): string => note.replaceAll(/[\d.,]+/g, '#');
