/** A stranger's text in a Markdown document, as GitHub shows it. Any thread. */
import { printableLine } from './printable.ts';

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** What would begin or end code, emphasis, a link, a picture, a field of a table, a formula, a heading. */
const MARKUP = /[\\`*_[\]|~#$!]/g;
/** What is made a link by itself. */
const LINK = /:(?=\/\/)|(?<=\bwww)\./gi;
/** What a list or a rule begins with. */
const LINE_START = /^(?:[-+](?=[-\s]|$)|\d+(?=[.)](?:\s|$)))/;

/**
 * The text on one line, shown as it is: nothing in it is markup, a tag or a link, and nothing ends a field of a table. An
 * `@` becomes the wide one, because no escape keeps a name after it from being notified.
 */
export function markdownText(text: string): string {
  return printableLine(text)
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replaceAll(/[&<>]/g, (sign) => ENTITIES[sign]!)
    .replaceAll(MARKUP, '\\$&')
    .replaceAll(LINK, '\\$&')
    .replace(LINE_START, lineStart)
    .replaceAll('@', '＠');
}

/** A number is no escape's: the sign after it is. */
const lineStart = (start: string) => (/\d/.test(start) ? `${start}\\` : `\\${start}`);
