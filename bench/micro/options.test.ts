import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ORDERINGS } from '../../src/ordering/index.ts';
import { UsageError } from '../command-line/option-values.ts';
import { BENCHES } from './benches/index.ts';
import { MICRO_OPTIONS, microHelp, parseMicroOptions } from './options.ts';

test('micro options: by default every bench with every ordering', () => {
  assert.deepEqual(parseMicroOptions([]), {
    benches: Object.keys(BENCHES),
    orderings: Object.keys(ORDERINGS),
    timeMs: 200,
    machine: null,
    json: false,
    help: false,
  });
});

test('micro options: names stand in the order of the table, each once', () => {
  const { benches, orderings } = parseMicroOptions(['--only', 'store, load,store', '--ordering', 'none']);
  assert.deepEqual({ benches, orderings }, { benches: ['load', 'store'], orderings: ['none'] });
});

const wrong: [what: string, args: string[], message: RegExp][] = [
  ['unknown, close to a known one', ['--onyl', 'load'], /^unknown argument '--onyl'; did you mean --only\?$/],
  ['unknown, close to none', ['--zebra'], /^unknown argument '--zebra'$/],
  ['an option of run', ['--eventidx'], /^unknown argument '--eventidx'$/],
  ['a short option', ['-o'], /^unknown argument '-o'/],
  ['a word', ['load'], /^unexpected argument 'load'$/],
  [
    'no such bench',
    ['--only', 'load,stoer'],
    /^--only wants one of empty, load, .* not 'stoer'; did you mean store\?$/,
  ],
  ['an empty name', ['--only', 'load,'], /^--only wants one of .* not ''$/],
  ['no such ordering', ['--ordering', 'seqcts'], /^--ordering wants one of .*'seqcts'; did you mean seqcst\?$/],
  ['a name of Object.prototype', ['--only', 'constructor'], /^--only wants one of/],
  ['no value', ['--only'], /^--only wants a value: NAME,NAME$/],
  ['an option for a value', ['--only', '--json'], /^--only wants a value: NAME,NAME$/],
  ['a value for a flag', ['--json=yes'], /^--json takes no value$/],
  ['twice', ['--time', '1', '--time', '2'], /^--time is given twice$/],
  ['no time', ['--time', '0'], /^--time wants 1 to 60000, not 0$/],
  ['too long a time', ['--time', '61k'], /^--time wants 1 to 60000, not 61k$/],
  ['a time that is no number', ['--time', 'long'], /^--time wants a whole number .* not 'long'$/],
];
for (const [what, args, message] of wrong)
  test(`micro options refuse: ${what}`, () => {
    assert.throws(
      () => parseMicroOptions(args),
      (error: unknown) => error instanceof UsageError && message.test(error.message) && !error.message.includes('\n'),
    );
  });

test('micro options: the help names every option, bench and ordering, and fits a screen', () => {
  const lines = microHelp().split('\n');
  for (const name of Object.keys(MICRO_OPTIONS)) assert.ok(lines.some((line) => line.startsWith(`  --${name}`)));
  for (const name of [...Object.keys(BENCHES), ...Object.keys(ORDERINGS)])
    assert.ok(
      lines.some((line) => line.trim().startsWith(`${name} `)),
      name,
    );
  assert.deepEqual(
    lines.filter((line) => line.length > 120),
    [],
  );
});
