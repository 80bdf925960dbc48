import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flag, type OptionTable, readArguments } from './option-table.ts';
import { UsageError } from './option-values.ts';

const TABLE: OptionTable<'out' | 'every' | 'json'> = {
  out: { value: 'FILE', summary: '' },
  every: { value: 'N', summary: '', implied: '64' },
  json: flag(''),
  help: flag(''),
};

const read: [what: string, args: string[], options: [string, string][], positionals: string[]][] = [
  ['nothing', [], [], []],
  [
    'files between options',
    ['a', '--json', 'b', '--out', 'c', 'd'],
    [
      ['json', ''],
      ['out', 'c'],
    ],
    ['a', 'b', 'd'],
  ],
  ['one that is given twice, and one that is empty', ['a', '', 'a'], [], ['a', '', 'a']],
  ['a lone dash as a file and as a value', ['-', '--out', '-'], [['out', '-']], ['-']],
  ['all after the terminator', ['--json', '--', '--out', '-x', '--every'], [['json', '']], ['--out', '-x', '--every']],
  ['only the first terminator', ['--', '--'], [], ['--']],
  ['an implied value at the terminator', ['--every', '--', 'a'], [['every', '64']], ['a']],
];
for (const [what, args, options, positionals] of read)
  test(`option table: positionals: ${what}`, () => {
    const given = readArguments(TABLE, args, { positionals: true });
    assert.deepEqual([...given.options], options);
    assert.deepEqual(given.positionals, positionals);
  });

const refused: [what: string, args: string[], message: RegExp][] = [
  ['an unknown option', ['a', '--jsn'], /^unknown argument '--jsn'; did you mean --json\?$/],
  ['a missing value', ['a', '--out'], /^--out wants a value: FILE$/],
  ['an option twice', ['--json', 'a', '--json'], /^--json is given twice$/],
  ['a flag with a value', ['--json=a'], /^--json takes no value$/],
];
for (const [what, args, message] of refused)
  test(`option table: positionals: refuses ${what}`, () =>
    assert.throws(() => readArguments(TABLE, args, { positionals: true }), { constructor: UsageError, message }));

for (const argument of ['file', '--', '-'])
  test(`option table: without positionals '${argument}' is a mistake`, () =>
    assert.throws(() => readArguments(TABLE, ['--json', argument]), {
      constructor: UsageError,
      message: `unexpected argument '${argument}'`,
    }));
