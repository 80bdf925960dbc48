/** Building, by a make and a compiler that are scripts. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { after, test } from 'node:test';
import { UsageError } from '../../bench/command-line/option-values.ts';
import { Failure, Missing } from '../peers/failure.ts';
import { build, programOf } from './build.ts';
import { transfersEdit } from './edits.ts';
import { fakeTools, kernelTree, writeScript } from './test-programs.ts';
import { ownTree, type Tree, versionOf } from './tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));
env.XDG_CACHE_HOME = join(folder, 'cache');
const PATH = env.PATH;
const bin = fakeTools(folder);
env.PATH = `${bin}:${PATH}`;
const BOUND = { timeoutMs: 60_000 };
const quiet = () => {};

const source = kernelTree(join(folder, 'tree'), 'echo NUM_XFERS (10)');
const frozen = (name: string): Tree => ({ folder: source, version: '1', builds: join(folder, name), frozen: true });
const makes = () =>
  existsSync(join(folder, 'made')) ? readFileSync(join(folder, 'made'), 'utf8').split('\n').length - 1 : 0;
const filesOf = (path: string) => readdirSync(path, { recursive: true, encoding: 'utf8' }).sort();

test('build: out of the tree, changes in the copy alone, once for a package', async () => {
  const before = filesOf(source);
  const tree = frozen('a');
  const said: string[] = [];
  const built = await build(tree, 'vringh_test', [transfersEdit(7)], (line) => said.push(line), BOUND);
  assert.deepEqual(
    [built.compiler, built.edits, said],
    ['cc 1.2.3', ['transfers=7'], ['building vringh_test (transfers=7) of 1']],
  );
  assert.match(readFileSync(programOf(built, 'vringh_test'), 'utf8'), /NUM_XFERS \(7\)/);
  assert.deepEqual(filesOf(source), before);
  const made = makes();
  assert.deepEqual(await build(tree, 'vringh_test', [transfersEdit(7)], quiet, BOUND), built);
  assert.equal(makes(), made, 'not built again');
  const shipped = await build(tree, 'vringh_test', [], quiet, BOUND);
  assert.equal(makes(), made + 1);
  assert.match(readFileSync(programOf(shipped, 'vringh_test'), 'utf8'), /NUM_XFERS \(10\)/);
  writeScript(join(bin, 'cc'), 'echo "cc 2.0"');
  assert.equal((await build(tree, 'vringh_test', [], quiet, BOUND)).compiler, 'cc 2.0');
  assert.equal(makes(), made + 2, 'by another compiler it is built again');
});

test("build: one's own tree is built as it is now", async () => {
  const own = ownTree(kernelTree(join(folder, 'own'), 'echo first'));
  assert.deepEqual([own.version, own.frozen], ['6.9.1-rc2', false]);
  const first = await build(own, 'vringh_test', [], quiet, BOUND);
  writeFileSync(join(own.folder, 'tools', 'virtio', 'vringh_test.c'), 'echo second');
  writeFileSync(join(own.folder, 'tools', 'virtio', 'vringh_test.o'), 'of other flags');
  await build(own, 'vringh_test', [], quiet, BOUND);
  assert.equal(readFileSync(programOf(first, 'vringh_test'), 'utf8'), 'echo second');
  assert.equal(existsSync(join(first.folder, 'vringh_test.o')), false);
});

test('build: a change that does not fit the tree', () =>
  assert.rejects(
    build(ownTree(kernelTree(join(folder, 'unfit'), 'echo')), 'vringh_test', [transfersEdit(7)], quiet, BOUND),
    (error) => error instanceof Failure && /'transfers=7' does not fit this tree/.test((error as Error).message),
  ));

test('build: what does not compile is missing, with its error, and is tried again', async () => {
  writeScript(join(bin, 'make'), 'echo "x.c:1: error: no such thing" >&2; exit 2');
  for (let i = 0; i < 2; i++) {
    const built = await build(frozen('b'), 'ringtest', [], quiet, BOUND);
    assert.throws(
      () => programOf(built, 'ringtest/ring'),
      (error) => error instanceof Missing && /ringtest\/ring could not be built: x\.c:1: error/.test(error.message),
    );
  }
  fakeTools(folder);
  const whole = await build(frozen('b'), 'ringtest', [], quiet, BOUND);
  assert.ok(existsSync(programOf(whole, 'ringtest/virtio_ring_0_9')));
  assert.throws(() => programOf(whole, 'ringtest/ring'), /ringtest\/ring is not in this tree/);
});

test('build: without a compiler it says so, and what was built is used', async () => {
  const built = await build(frozen('c'), 'vringh_test', [], quiet, BOUND);
  env.PATH = join(folder, 'nothing');
  try {
    assert.deepEqual(await build(frozen('c'), 'vringh_test', [], quiet, BOUND), built);
    await assert.rejects(
      build(frozen('d'), 'vringh_test', [], quiet, BOUND),
      (error) => error instanceof Missing && /gcc make/.test((error as Error).message),
    );
  } finally {
    env.PATH = `${bin}:${PATH}`;
  }
});

for (const path of [folder, '/nowhere'])
  test(`tree: ${path === folder ? 'a folder that is none' : path}`, () =>
    assert.throws(
      () => ownTree(path),
      (error) => error instanceof UsageError && /no kernel tree/.test(error.message),
    ));

const versions = [
  ['VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 192\nEXTRAVERSION =\n', '6.1.192'],
  ['VERSION = 7\nPATCHLEVEL = 0\nSUBLEVEL = 0\nEXTRAVERSION = -rc3\n', '7.0.0-rc3'],
  ['all:\n', 'unknown'],
] as const;
for (const [makefile, version] of versions)
  test(`tree: version ${version}`, () => assert.equal(versionOf(makefile), version));
