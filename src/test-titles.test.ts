import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { testTitles, whyNoTitle } from './test-titles.ts';

const PATH = 'src/test-titles.test.ts';

const cases: [string, string, string[], boolean][] = [
  // what, wanted, titles there are, found
  ['a title', 'one two', ['one', 'one two'], true],
  ['the beginning of a title', 'one …', ['one two'], true],
  ['the beginning alone, not said to be one', 'one', ['one two'], false],
  ['a beginning of none', 'two…', ['one two'], false],
  ['a title with more in front', 'two', ['one two'], false],
  ['nothing', '', [''], false],
  ['a beginning that is nothing', '…', ['one'], false],
  ['anything in a file without tests', 'one', [], false],
];
for (const [what, wanted, titles, found] of cases)
  test(`test titles: ${what} is ${found ? 'found' : 'not found'}`, () =>
    assert.equal(whyNoTitle(titles, wanted) === null, found));

test('test titles: as a run has them, those of a table too', () => {
  const titles = testTitles([PATH])[PATH]!;
  assert.equal(titles.length, cases.length + 3);
  for (const title of [
    'test titles: a title is found',
    'test titles: nothing is not found',
    'test titles: as a run …',
    'test titles: within > a suite',
  ])
    assert.equal(whyNoTitle(titles, title), null);
});

test('test titles: a file that is not there is an error', () => {
  assert.throws(() => testTitles(['src/nowhere.test.ts']), /there is no file src\/nowhere/);
});

suite('test titles: within', () => {
  test('a suite', () => assert.equal(whyNoTitle(['test titles: within > a suite'], 'test titles: within > …'), null));
});
