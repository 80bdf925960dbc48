import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Line, linesOf } from './lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'lines');

const LONG = 'é'.repeat(5_000_000);

const cases: [what: string, content: string | Buffer, texts: (string | null)[], ended: boolean][] = [
  ['nothing', '', [], true],
  ['whole lines', 'a\nb\n', ['a', 'b'], true],
  ['a last line without an end', 'a\nb', ['a', 'b'], false],
  ['empty lines', '\n\na\n', ['', '', 'a'], true],
  ['CRLF', 'a\r\nb\r\n', ['a', 'b'], true],
  ['a CR inside', 'a\rb\n', ['a\rb'], true],
  ['a byte order mark', '\ufeffa\n\ufeffb\n', ['a', '\ufeffb'], true],
  ['NUL bytes', 'a\0b\n\0\0\n', ['a\0b', '\0\0'], true],
  ['a line of 10 MB between others', `a\n${LONG}\nb\n`, ['a', LONG, 'b'], true],
  ['characters across the edges of chunks', `${'x'.repeat(65_535)}é\n`, [`${'x'.repeat(65_535)}é`], true],
  ['an end at the edge of a chunk', `${'x'.repeat(65_535)}\ny\n`, ['x'.repeat(65_535), 'y'], true],
  ['bytes that are no UTF-8', Buffer.from([0x61, 0x0a, 0xff, 0x0a, 0x62, 0x0a]), ['a', null, 'b'], true],
];
for (const [what, content, texts, ended] of cases)
  test(`lines: ${what}`, () => {
    writeFileSync(file, content);
    const lines = [...linesOf(file)];
    assert.equal(lines.length, texts.length);
    for (const [i, { text, number }] of lines.entries()) {
      assert.ok(text === texts[i], `line ${i + 1}`);
      assert.equal(number, i + 1);
    }
    assert.equal(lines.at(-1)?.ended ?? true, ended);
  });

test('lines: one that is too long is named, and those beside it are read', () => {
  writeFileSync(file, `1234\n${'5'.repeat(200_000)}\n6789\n12345`);
  const shown = ({ number, text, unreadable }: Line) => [number, text, unreadable];
  assert.deepEqual([...linesOf(file, 4)].map(shown), [
    [1, '1234', null],
    [2, null, 'longer than 4 bytes'],
    [3, '6789', null],
    [4, null, 'longer than 4 bytes'],
  ]);
});

test('lines: what is not there is the system’s error', () => {
  assert.throws(() => [...linesOf(join(folder, 'not-there'))], { code: 'ENOENT' });
});
