/** A stranger's text as it may be printed or written anywhere. Any thread. */

/**
 * Control characters and line ends, what turns the direction of writing, what has no width or is never drawn, and halves
 * of characters.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]+/gu;

/** The text on one line, without anything that cannot be seen or that moves what stands around it. */
export const printable = (text: string): string => text.replaceAll(UNPRINTABLE, '·');

/** Characters of a text that is a part of a line. */
const PART_LENGTH_MAX = 160;
/** Characters of a whole line, or of a field of a table. */
const LINE_LENGTH_MAX = 2000;

/** The same, and not endless: for what people read. */
export const shortPrintable = (text: string): string => cut(text, PART_LENGTH_MAX);

/** The same of a whole line, which is made of several texts. */
export const printableLine = (line: string): string => cut(line, LINE_LENGTH_MAX);

const cut = (text: string, lengthMax: number): string =>
  text.length > lengthMax ? `${printable(text.slice(0, lengthMax))}…` : printable(text);

/** JSON whose texts are `printable`. Its keys must be our own. */
export const cleanJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, (_, of: unknown) => (typeof of === 'string' ? printable(of) : of), indent);
