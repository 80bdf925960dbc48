import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable, printableLine, shortPrintable } from './printable.ts';

const texts: [what: string, text: string, shown: string][] = [
  ['plain text', 'AMD EPYC™ 2.4 GHz, ½ of it; naïve 北京 🙂 é', 'AMD EPYC™ 2.4 GHz, ½ of it; naïve 北京 🙂 é'],
  ['signs of markup and formulas', '=<b>|`$(x)`%s\\', '=<b>|`$(x)`%s\\'],
  ['a colour', '\u001b[31mred', '·[31mred'],
  ['line ends of every kind', 'a\nb\r\nc\u0085d\u2028e\u2029f\u000bg\fh', 'a·b·c·d·e·f·g·h'],
  ['tabs, NUL, DEL, a C1 code', 'a\tb\0c\u007fd\u009be', 'a·b·c·d·e'],
  ['turned directions', 'a\u202eb\u202ac\u2066d\u2069e\u200ef\u061cg', 'a·b·c·d·e·f·g'],
  ['no width', 'a\u200bb\u200dc\ufeffd\u2060e\u00adf', 'a·b·c·d·e·f'],
  ['never drawn', 'a\u3164b\u115fc\u034fd\u180ee\u{e0041}f', 'a·b·c·d·e·f'],
  ['halves of characters', 'a\ud800b\udfffc', 'a·b·c'],
];
for (const [what, text, shown] of texts) test(`printable: ${what}`, () => assert.equal(printable(text), shown));

test('printable: long texts and long lines are cut, and no character is cut in two', () => {
  const long = '🙂'.repeat(1_000_000);
  for (const [short, lengthMax] of [
    [shortPrintable(`x${long}`), 160],
    [printableLine(`x${long}`), 2000],
  ] as const) {
    assert.equal(short.length, lengthMax + 1);
    assert.match(short, /^x🙂+·…$/u);
    assert.doesNotMatch(short, /\p{Cs}/u);
  }
  assert.equal(shortPrintable('x'.repeat(160)), 'x'.repeat(160));
});
