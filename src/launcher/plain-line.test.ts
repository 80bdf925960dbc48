import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainLine } from './plain-line.ts';

const lines: [string, string, string][] = [
  ['plain text', 'no root: disk 0 – ä 漢', 'no root: disk 0 – ä 漢'],
  ['an escape sequence', 'a\u001b[2J\u001b]0;title\u0007b', 'a [2J ]0;title b'],
  ['a sequence of one character', 'a\u009b31mb', 'a 31mb'],
  ['lines', 'one\r\ntwo\u2028three\n', 'one two three'],
  ['text that turns its direction', 'a\u202eb\u2066c', 'a b c'],
  ['nothing that can be shown', '\0\n', ''],
  ['as much as there is room for', 'x'.repeat(240), 'x'.repeat(240)],
  ['more', 'x'.repeat(1e6), `${'x'.repeat(240)}…`],
  ['pairs of surrogates where it is cut', '😀'.repeat(300), `${'😀'.repeat(240)}…`],
];
for (const [what, text, expected] of lines) test(`plain line: ${what}`, () => assert.equal(plainLine(text), expected));
