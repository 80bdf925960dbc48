import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { git, isChanged } from './checkout.ts';

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));
let checkouts = 0;

const write = (root: string, file: string, text: string) => {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
};

/** A checkout of one commit, with a file wherever the program has some. */
function checkedOut(): string {
  const root = join(folder, `${checkouts++}`);
  for (const file of ['README.md', 'package.json', 'src/ring.ts', 'results/README.md', 'results/reference/a.ndjson'])
    write(root, file, 'as committed\n');
  write(root, '.gitignore', 'dist/\n');
  const author = ['-c', 'user.name=test', '-c', 'user.email=test@localhost', '-c', 'commit.gpgsign=false'];
  for (const args of [
    ['init', '--quiet'],
    ['add', '.'],
    [...author, 'commit', '--quiet', '-m', 'all'],
  ])
    assert.notEqual(git(root, ...args), null, args.join(' '));
  return root;
}

const cases: [what: string, files: string[], changed: boolean][] = [
  ['nothing', [], false],
  ['what is built', ['dist/src/ring.js'], false],
  [
    'a machine\u2019s records, a baseline, a torn line',
    ['results/m.ndjson', 'results/baselines/main.ndjson', 'results/m.ndjson.torn'],
    false,
  ],
  ['a reference that grew', ['results/reference/a.ndjson'], false],
  ['records where the README keeps them', ['monday.ndjson', 'records/A 0123.ndjson'], false],
  ['exports where the README writes them', ['base.txt', 'bmf.json', 'all.csv', 'bencher.json', 'verdict.md'], false],
  ['pages and percentiles', ['dashboard.html', 'page.html', 'futex.round-trip.hgrm'], false],
  ['a source that changed', ['src/ring.ts'], true],
  ['a source that is new', ['src/new.ts'], true],
  ['a source in a new folder', ['workers/new/one.js'], true],
  ['a package that changed', ['package.json'], true],
  ['a document that changed', ['README.md'], true],
];
for (const [what, files, changed] of cases)
  test(`checkout: ${what}: ${changed ? 'changed' : 'as committed'}`, () => {
    const root = checkedOut();
    for (const file of files) write(root, file, 'written later\n');
    assert.equal(isChanged(root), changed);
  });

test('checkout: a source that was taken away or added to the index has changed', () => {
  const [taken, added] = [checkedOut(), checkedOut()];
  rmSync(join(taken, 'src', 'ring.ts'));
  assert.equal(isChanged(taken), true);
  write(added, 'src/new.ts', 'new');
  git(added, 'add', 'src/new.ts');
  assert.equal(isChanged(added), true);
});

test('checkout: where git does not tell, it is not known', () => {
  assert.equal(isChanged(join(folder, 'nowhere')), null);
});
