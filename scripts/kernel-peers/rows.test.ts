import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../bench/command-line/option-values.ts';
import { parseRunOptions } from '../../bench/run/options.ts';
import { BEST } from './best.ts';
import { argsText, ROWS, selectRows } from './rows.ts';
import { parseStrategy } from './strategy.ts';

const names = (only: string) => selectRows(ROWS, only).map(({ name }) => name);
const selections = [
  ['same:none', ['same:none']],
  ['none', ['same:none', 'distant:none']],
  ['fast-vringh,eventidx+fast-vringh', ['same:eventidx+fast-vringh', 'same:fast-vringh']],
  ['sleep,indirect', ['same:indirect', 'distant:indirect', 'ringtest:sleep']],
  [' poll , ringtest:poll', ['ringtest:poll']],
] as const;
for (const [only, expected] of selections)
  test(`rows: --only '${only}'`, () => assert.deepEqual(names(only), expected));
test('rows: a group', () => assert.equal(names('distant').length, 4));
for (const [only, message] of [
  ['same,evntidx', /no row 'evntidx'; did you mean eventidx\?/],
  ['', /no row ''/],
] as const)
  test(`rows: --only '${only}' is refused`, () =>
    assert.throws(
      () => names(only),
      (error) => error instanceof UsageError && message.test(error.message),
    ));

test('rows: each has a name of its own', () => assert.equal(new Set(ROWS.map(({ name }) => name)).size, ROWS.length));
test('rows: what ours is given is right, with both strategies', () => {
  for (const { name, ours, strategy } of ROWS) {
    if (ours === null) continue;
    for (const words of [strategy, parseStrategy(name, BEST[name] ?? '')]) {
      const { config } = parseRunOptions([...ours, ...words, '--parallel']);
      assert.equal(config.orderingSound, true);
    }
  }
});
test('rows: the table of the best has no other', () => {
  const rows = ROWS.filter(({ ours }) => ours !== null).map(({ name }) => name);
  assert.deepEqual(
    Object.keys(BEST).filter((name) => !rows.includes(name)),
    [],
  );
});

const shown = [
  ['same:none', '(none)'],
  ['same:fast-vringh', '--fast-vringh'],
  ['distant:indirect+eventidx', '--indirect --eventidx'],
  ['ringtest:sleep', 'virtio_ring_0_9 --sleep'],
  ['ringtest:ring', 'ring'],
] as const;
for (const [name, text] of shown)
  test(`rows: ${name} is shown`, () => assert.equal(argsText(ROWS.find((row) => row.name === name)!), text));

test('strategy: its words', () =>
  assert.deepEqual(parseStrategy('--best', ' --doorbell  pipe --batch 16 '), ['--doorbell', 'pipe', '--batch', '16']));
const refused = [
  ['--ordering none', /^--best: --ordering none is not guaranteed by the language$/],
  ['--ordering fence --batch 2', /^--best: --ordering fence is not/],
  ['--eventidx', /^--best: unknown argument '--eventidx'/],
  ['--transfers 5', /^--best: unknown argument/],
  ['--doorbell bell', /^--best: --doorbell wants one of/],
  ['--batch 0', /^--best: --batch wants 1 to/],
  ['pipe', /^--best: unexpected argument 'pipe'/],
  ['--help', /^--best: it takes strategies/],
] as const;
for (const [text, message] of refused)
  test(`strategy: '${text}' is refused`, () =>
    assert.throws(
      () => parseStrategy('--best', text),
      (error) => error instanceof UsageError && message.test(error.message),
    ));
