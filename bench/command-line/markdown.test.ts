import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markdownText } from './markdown.ts';

const texts: [what: string, text: string, shown: string][] = [
  [
    'what our own lines are made of',
    'eventidx=on cpus=0,1, CPU to CPU 90 – 95 ns',
    'eventidx=on cpus=0,1, CPU to CPU 90 – 95 ns',
  ],
  ['a number', '0.995', '0.995'],
  ['a number below 0', '-0.995', '-0.995'],
  ['a field that ends', 'a | b', 'a \\| b'],
  ['code and emphasis', '`a` *b* __c__ ~~d~~', '\\`a\\` \\*b\\* \\_\\_c\\_\\_ \\~\\~d\\~\\~'],
  ['a tag, an entity, a comment', '<b>&lt;<!--', '&lt;b&gt;&amp;lt;&lt;\\!--'],
  ['a link and a picture', '![a](b) [c]: d', '\\!\\[a\\](b) \\[c\\]: d'],
  ['links by themselves', 'https://a.b WWW.c.d ftp://e', 'https\\://a.b WWW\\.c.d ftp\\://e'],
  ['a name that would be notified', '@octocat a@b.c', '＠octocat a＠b.c'],
  ['a formula', '$$x$$', '\\$\\$x\\$\\$'],
  ['backslashes', 'a\\|b\\', 'a\\\\\\|b\\\\'],
  ['a heading', '# a', '\\# a'],
  ['a list', '- a', '\\- a'],
  ['a list of another sign', '+ a', '\\+ a'],
  ['a list by number', '1. a', '1\\. a'],
  ['a rule', '---', '\\---'],
  ['a quotation', '> a', '&gt; a'],
  ['lines, and spaces that mean something', '    a\n\n# b  ', 'a·\\# b'],
  ['a turned direction', 'a\u202eb', 'a·b'],
  ['nothing', '', ''],
];
for (const [what, text, shown] of texts)
  test(`markdown: ${what} is shown as it is`, () => assert.equal(markdownText(text), shown));

test('markdown: every sign that may be markup is escaped wherever it stands', () => {
  for (const sign of '\\`*_[]|~#$!') assert.equal(markdownText(`a${sign}b${sign}`), `a\\${sign}b\\${sign}`);
});
