import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inLength } from '../src/test-length.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PROGRAM = fileURLToPath(new URL('./ab.js', import.meta.url));
const skip = existsSync(join(ROOT, '.git')) ? false : 'needs a checkout';
const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));

const temporary = { TMPDIR: folder };
const abOf = (env: NodeJS.ProcessEnv, ...args: string[]) =>
  spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8', env });
const ab = (...args: string[]) => abOf({ ...process.env, ...temporary }, ...args);
const gitHere = (...args: string[]) => execFileSync('git', ['-C', ROOT, ...args], { encoding: 'utf8' }).trim();
/** Those that are checked out in the tests' folder; others may come and go meanwhile. */
const left = () =>
  gitHere('worktree', 'list')
    .split('\n')
    .filter((line) => line.startsWith(folder));

interface Compared {
  commit: string;
  env: NodeJS.ProcessEnv;
}

/** A commit whose build copies its program, which measures by this checkout's and then ends as `end` says. */
function smallCommit(end: string): Compared {
  const objects = mkdtempSync(join(folder, 'objects-'));
  const git = (input: string, ...args: string[]) =>
    execFileSync('git', ['-C', ROOT, ...args], { encoding: 'utf8', input, env }).trim();
  // Nothing of it gets into the repository.
  const env = {
    ...process.env,
    ...temporary,
    GIT_OBJECT_DIRECTORY: objects,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: resolve(ROOT, gitHere('rev-parse', '--git-path', 'objects')),
    ...{ GIT_AUTHOR_NAME: 'test', GIT_AUTHOR_EMAIL: 'test@localhost' },
    ...{ GIT_COMMITTER_NAME: 'test', GIT_COMMITTER_EMAIL: 'test@localhost' },
  };
  const file = (text: string) => git(text, 'hash-object', '-w', '--stdin');
  const tree = (...lines: string[]) => git(lines.map((line) => `${line}\n`).join(''), 'mktree');
  const own = { name: 'small', version: '1.0.0', type: 'module' };
  const lock = { ...own, lockfileVersion: 3, packages: { '': own } };
  const build = 'mkdir -p dist/bench && cp main.js dist/bench';
  const program = `
    import { main } from '${new URL('../bench/cli.js', import.meta.url).href}';
    const code = await main(process.argv.slice(2), { out() {}, err() {} });
    ${end}`;
  const root = tree(
    `100644 blob ${file(program)}\tmain.js`,
    `100644 blob ${file(JSON.stringify(lock))}\tpackage-lock.json`,
    `100644 blob ${file(JSON.stringify({ ...own, scripts: { prepare: build } }))}\tpackage.json`,
  );
  return { commit: git('', 'commit-tree', root, '-m', 'small'), env };
}

/** This checkout's, whose build takes a minute of two CPUs. */
const present = (): Compared => ({ commit: 'HEAD', env: { ...process.env, ...temporary } });

test('ab: a commit against itself, hooks in both checkouts, records kept, nothing left behind', { skip }, () => {
  const { commit, env } = inLength(smallCommit, present)('process.exit(code);');
  const log = join(folder, 'log');
  const hook = (word: string) => `echo ${word} $(basename "$PWD") >> ${log}`;
  const small = ['--', '--transfers', '1k', '--warmup', '0', '--cpus', 'same', '--doorbell', 'futex,pipe'];
  const own = ['--rounds', '2', '--prepare', hook('before'), '--cleanup', hook('after'), '--keep', folder];
  const { status, stdout, stderr } = abOf(env, commit, commit, ...own, ...small);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^A: A [0-9a-f]{12}\.ndjson {3}B: B [0-9a-f]{12}\.ndjson/);
  assert.match(stdout, /^doorbell=pipe .*\(2\).*\(2\).*not enough data/m);
  assert.equal(readFileSync(log, 'utf8'), 'before A\nbefore B\nafter A\nafter B\n');
  const kept = readdirSync(folder).filter((name) => /^[AB] [0-9a-f]{12}\.ndjson$/.test(name));
  assert.equal(kept.length, 2);
  for (const name of kept) assert.equal(readFileSync(join(folder, name), 'utf8').trim().split('\n').length, 4);
  assert.deepEqual(left(), []);
});

test('ab: a clean-up that fails, and cells that do, cost neither the comparison nor the clean-up', { skip }, () => {
  const small = ['--', '--transfers', '1k', '--warmup', '0', '--cpus', 'same', '--doorbell', 'futex'];
  const { commit, env } = smallCommit('process.exit(3);');
  const own = ['--rounds', '1', '--cleanup', 'exit 3'];
  const { status, stdout, stderr } = abOf(env, commit, commit, ...own, ...small);
  assert.equal(status, 1, stderr);
  assert.match(stdout, /not enough data/);
  assert.deepEqual(left(), []);
});

const wrong: [args: string[], message: RegExp][] = [
  [[], /ab wants two commits: A B/],
  [['HEAD'], /ab wants two commits: A B/],
  [['HEAD', 'no-such-commit'], /no-such-commit: git knows no such commit/],
  [['HEAD', 'HEAD', '--rounds', '0'], /--rounds wants 1 to 1000, not 0/],
  [['HEAD', 'HEAD', '--round', '3'], /unknown argument '--round'; did you mean --rounds\?/],
];
for (const [args, message] of wrong)
  test(`ab refuses: ${args.join(' ')}`, { skip }, () => {
    const { status, stderr } = ab(...args);
    assert.equal(status, 2);
    assert.match(stderr, message);
  });
