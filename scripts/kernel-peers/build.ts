/**
 * Builds the kernel's programs beside their tree: a folder of links to it, with a copy of tools/virtio in which changes
 * are made and make writes. What was built of a package stays; of one's own tree everything is built anew.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Failure, Missing } from '../peers/failure.ts';
import { findCommand, installPackages } from '../peers/packages.ts';
import { type ChildOptions, runChild, runWell } from './child.ts';
import { applyEdit, type Edit } from './edits.ts';
import type { Tree } from './tree.ts';

/** What the tree's own Makefile sets, and `data_race`, which its test headers lack. */
const VRINGH_FLAGS =
  '-g -O2 -I. -I../include/ -I ../../usr/include/ -Wno-pointer-sign -fno-strict-overflow -fno-strict-aliasing ' +
  "-fno-common -MMD -U_FORTIFY_SOURCE -include ../../include/linux/kconfig.h -pthread '-Ddata_race(x)=x' -w";

/** What make is asked for, from tools/virtio. */
const TARGETS = {
  vringh_test: ['vringh_test', `CFLAGS=${VRINGH_FLAGS}`],
  // One that does not compile costs the others nothing.
  ringtest: ['-k', '-C', 'ringtest', 'all'],
} as const;
export type Target = keyof typeof TARGETS;

export interface Build {
  /** Of the copy of tools/virtio. */
  folder: string;
  compiler: string;
  /** The names of the changes. */
  edits: string[];
  /** What make said where it failed; '' where it did not. */
  said: string;
}

const STAMP = 'built.json';

/** @throws Missing without a compiler, Failure where a change does not fit, Interrupted */
export async function build(
  tree: Tree,
  target: Target,
  edits: readonly Edit[],
  say: (line: string) => void,
  options: ChildOptions,
): Promise<Build> {
  const recipe = [...TARGETS[target], ...edits.map(({ name, replacements }) => [name, ...replacements])];
  const key = createHash('sha256').update(JSON.stringify(recipe)).digest('hex').slice(0, 12);
  const root = join(tree.builds, `${target}-${key}`);
  const folder = join(root, 'tools', 'virtio');
  const names = edits.map(({ name }) => name);
  const kept = tree.frozen ? stampOf(root) : null;
  const compiler = findCommand('cc') === null ? null : await compilerName(options);
  if (kept !== null && (compiler === null || kept.compiler === compiler)) return { folder, edits: names, ...kept };

  await needTools(say);
  rmSync(root, { recursive: true, force: true });
  say(`building ${target}${names.length === 0 ? '' : ` (${names.join(', ')})`} of ${tree.version}`);
  linkTree(tree.folder, root);
  copySources(join(tree.folder, 'tools', 'virtio'), folder, edits);
  const { code, err } = await runChild('make', ['-C', folder, ...TARGETS[target]], options);
  const stamp = { compiler: compiler ?? (await compilerName(options)), said: code === 0 ? '' : firstError(err) };
  writeFileSync(join(root, STAMP), JSON.stringify(stamp));
  return { folder, edits: names, ...stamp };
}

/** The path of a built program. @throws Missing saying why it is not there */
export function programOf({ folder, said }: Build, path: string): string {
  const program = join(folder, path);
  if (existsSync(program)) return program;
  throw new Missing(`${path} ${said === '' ? 'is not in this tree' : `could not be built: ${said}`}`);
}

/** Debian's compiler comes without what programs are compiled against. @throws Missing */
async function needTools(say: (line: string) => void): Promise<void> {
  const tools = { cc: 'gcc', make: 'make' };
  const all = findCommand('apt-get') === null ? tools : { ...tools, '/usr/include/stdio.h': 'libc6-dev' };
  if (Object.keys(all).some((name) => findCommand(name) === null)) await installPackages(all, say);
}

type Stamp = Pick<Build, 'compiler' | 'said'>;

/** Of a build that is whole and went well. */
function stampOf(root: string): Stamp | null {
  const file = join(root, STAMP);
  if (!existsSync(file)) return null;
  const stamp = JSON.parse(readFileSync(file, 'utf8')) as Stamp;
  return stamp.said === '' ? stamp : null;
}

async function compilerName(options: ChildOptions): Promise<string> {
  const { out } = await runWell('cc', ['--version'], options);
  return out.split('\n')[0]!.trim();
}

/** The line that says what is wrong. */
const firstError = (said: string): string =>
  said.split('\n').find((line) => /\berror:/.test(line)) ?? said.trim().split('\n').at(-1) ?? 'make failed';

/** Links to all of the tree but tools/virtio. */
function linkTree(from: string, root: string): void {
  mkdirSync(join(root, 'tools'), { recursive: true });
  const link = (path: string) => symlinkSync(join(from, path), join(root, path));
  for (const name of readdirSync(from)) if (name !== 'tools') link(name);
  for (const name of readdirSync(join(from, 'tools'))) if (name !== 'virtio') link(join('tools', name));
}

/** Sources alone: what somebody built there is of other flags. */
function copySources(from: string, to: string, edits: readonly Edit[]): void {
  const files = readdirSync(from, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /(\.[ch]|Makefile)$/.test(name),
  );
  const absent = edits.find(({ file }) => !files.includes(file));
  if (absent !== undefined) throw new Failure(`${from} has no ${absent.file}`);
  for (const file of files) {
    let text = readFileSync(join(from, file), 'utf8');
    for (const edit of edits) if (edit.file === file) text = applyEdit(text, edit);
    const copy = join(to, file);
    mkdirSync(dirname(copy), { recursive: true });
    writeFileSync(copy, text);
  }
}
