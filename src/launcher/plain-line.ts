/** Text of a guest as a line that may be shown to people: it moves no cursor and sets no colour. Pure. */

/** Characters; more is cut. */
const LINE_MAX = 240;

/** Control characters, separators of lines, and marks that turn the direction of text. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;

/** One line, `…` at its end if it was cut; runs of what cannot be shown become a space. */
export function plainLine(text: string): string {
  // As much as the pattern needs to look at, however long it is.
  const line = text
    .slice(0, 4 * LINE_MAX)
    .replaceAll(UNPRINTABLE, ' ')
    .trim();
  const characters = Array.from(line);
  return characters.length > LINE_MAX ? `${characters.slice(0, LINE_MAX).join('')}…` : line;
}
