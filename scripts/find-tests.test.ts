import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { testArguments, testFilesBelow } from './find-tests.ts';

const root = mkdtempSync(join(tmpdir(), 'vringbench-find-tests-'));
after(() => rmSync(root, { recursive: true }));

const FILES = [
  'a/ring.test.js',
  'a/deep/er/queue.test.js',
  'b/bell.test.js',
  // None of these is a test, whatever some version of Node says of it.
  'a/test-queue.js',
  'a/test-queue.d.ts',
  'a/ring.test.d.ts',
  'a/ring.test.js.map',
  'b/test.js',
  'test/helper.js',
];
for (const file of FILES) {
  mkdirSync(join(root, file, '..'), { recursive: true });
  writeFileSync(join(root, file), '');
}
mkdirSync(join(root, 'empty'));
const at = (...paths: string[]) => paths.map((path) => join(root, path));
const TESTS = at('a/deep/er/queue.test.js', 'a/ring.test.js', 'b/bell.test.js');

test('test files are those named .test.js, in every depth, helpers and declarations not among them', () => {
  assert.deepEqual(testFilesBelow(root), TESTS);
});

const cases: readonly [what: string, words: string[], files: string[], options: string[]][] = [
  ['nothing named: all', [], TESTS, []],
  ['a folder: those below it', at('a'), at('a/deep/er/queue.test.js', 'a/ring.test.js'), []],
  ['a file, whatever its name', at('a/test-queue.js'), at('a/test-queue.js'), []],
  ['options alone: all', ['--test-only'], TESTS, ['--test-only']],
  ['the value of an option is no file', ['--test-name-pattern', 'wraps'], TESTS, ['--test-name-pattern', 'wraps']],
  ['both', ['--test-only', ...at('b')], at('b/bell.test.js'), ['--test-only']],
];
for (const [what, words, files, options] of cases)
  test(`arguments of npm test: ${what}`, () => assert.deepEqual(testArguments(words, root), { files, options }));

test('a folder without tests is named, and not taken for "all"', () => {
  assert.throws(() => testArguments(at('empty'), root), /no tests below .*empty/);
});
