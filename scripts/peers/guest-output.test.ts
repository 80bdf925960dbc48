import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from './failure.ts';
import { numberOf, readResults, resultOf } from './guest-output.ts';

const texts = [
  // what, printed, expected
  ['carriage returns go', 'RESULT a=1\r\nRESULT b=x y\r\n', { a: '1', b: 'x y' }],
  ['the last value counts', 'RESULT a=1\nRESULT a=2\n', { a: '2' }],
  ['a value may hold =', 'RESULT a=b=c\n', { a: 'b=c' }],
  ['an empty value is one', 'RESULT a=\n', { a: '' }],
  ['a line that is not whole yet does not count', 'RESULT a=1\nRESULT b=2', { a: '1' }],
  ['other lines are passed over', 'noise\n RESULT a=1\nRESULT =2\nRESULTS c=3\n', {}],
] as const;
for (const [what, text, expected] of texts)
  test(`results of a guest: ${what}`, () => assert.deepEqual(Object.fromEntries(readResults(text)), expected));

const results = new Map([
  ['n', '12'],
  ['empty', ''],
  ['word', 'x'],
]);
test('a result that is there', () => {
  assert.equal(resultOf(results, 'word'), 'x');
  assert.equal(numberOf(results, 'n'), 12);
});
for (const key of ['missing', 'empty', 'word'])
  test(`a number is wanted, but it is ${key}`, () =>
    assert.throws(
      () => numberOf(results, key),
      (error) => error instanceof Failure && error.message.includes(key),
    ));
