/**
 * Kernel sources to build from: what is needed of Debian's package, unpacked once in the cache folder, or a tree of one's
 * own, which is only read.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { UsageError } from '../../bench/command-line/option-values.ts';
import { Missing } from '../peers/failure.ts';
import { cacheFolder, findCommand, installPackages, unpackPackage } from '../peers/packages.ts';
import { type ChildOptions, runWell } from './child.ts';

export const SOURCE_PACKAGE = 'linux-source-6.1';
const TARBALL = `usr/src/${SOURCE_PACKAGE}.tar.xz`;

/** What the programs are made of, from the tree's root: of more than a gigabyte some 20 MB. */
const FOLDERS = ['tools/virtio', 'tools/include', 'drivers/virtio', 'drivers/vhost', 'include/linux', 'include/uapi'];

export interface Tree {
  /** Where Makefile, tools, include and drivers are. Nothing is written there. */
  folder: string;
  version: string;
  /** Where the programs are built. */
  builds: string;
  /** It stays as it is, so that what was built of it stays right. */
  frozen: boolean;
}

type Say = (line: string) => void;

/** @throws UsageError where there is no such tree */
export function ownTree(path: string): Tree {
  const makefile = join(path, 'Makefile');
  if (!existsSync(makefile) || !existsSync(join(path, 'tools', 'virtio')))
    throw new UsageError(`--tree ${path}: no kernel tree: it has no Makefile, or no tools/virtio`);
  const folder = realpathSync(path);
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 12);
  const builds = join(cacheFolder(), `kernel-tree-${name}`);
  return { folder, version: versionOf(readFileSync(makefile, 'utf8')), builds, frozen: false };
}

/** Of the text of a tree's Makefile: `6.1.192`, `6.12.0-rc3`. Pure. */
export function versionOf(makefile: string): string {
  const [major, patch, sub, extra] = ['VERSION', 'PATCHLEVEL', 'SUBLEVEL', 'EXTRAVERSION'].map(
    (name) => new RegExp(`^${name} *= *(\\S*) *$`, 'm').exec(makefile)?.[1] ?? '',
  );
  return major ? `${[major, patch, sub].filter((part) => part !== '').join('.')}${extra}` : 'unknown';
}

/** The package's tree; unpacked, and before that downloaded, where it is not there yet. @throws Missing, Failure */
export async function packagedTree(say: Say, options: ChildOptions): Promise<Tree> {
  const installed = `/${TARBALL}`;
  if (existsSync(installed)) {
    const { out } = await runWell('dpkg-query', ['-s', SOURCE_PACKAGE], options);
    return await unpacked(installed, /^Version: (\S+)$/m.exec(out)?.[1] ?? 'unknown', say, options);
  }
  const here = cachedTree();
  if (here !== null) return here;
  const folder = await unpackPackage(SOURCE_PACKAGE, say).catch((error: unknown) => {
    throw new Missing(`${(error as Error).message}; or give a kernel tree: --tree FOLDER`);
  });
  const tree = await unpacked(join(folder, TARBALL), changelogVersion(folder), say, options);
  // The tarball is large, and has done its work.
  rmSync(folder, { recursive: true, force: true });
  return tree;
}

const PREFIX = `${SOURCE_PACKAGE}_`;

function treeIn(name: string): Tree {
  const builds = join(cacheFolder(), name);
  return { folder: join(builds, 'source'), version: name.slice(PREFIX.length), builds, frozen: true };
}

/** The package's tree where it is unpacked already; null where it is not. */
export function cachedTree(): Tree | null {
  if (!existsSync(cacheFolder())) return null;
  const names = readdirSync(cacheFolder()).filter((name) => name.startsWith(PREFIX));
  const newest = names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
  return newest === undefined ? null : treeIn(newest);
}

/** The version in a package's own changelog. @throws Missing */
function changelogVersion(folder: string): string {
  const file = join(folder, 'usr', 'share', 'doc', SOURCE_PACKAGE, 'changelog.Debian.gz');
  const version = /^\S+ \((\S+)\)/.exec(gunzipSync(readFileSync(file)).toString('utf8'))?.[1];
  if (version === undefined) throw new Missing(`${file} does not begin with the package's version`);
  return version;
}

/** Unpacks what is needed of the tarball, in place of an older version's. */
async function unpacked(tarball: string, version: string, say: Say, options: ChildOptions): Promise<Tree> {
  const tree = treeIn(`${PREFIX}${version}`);
  if (existsSync(tree.folder)) return tree;
  if (findCommand('xz') === null) await installPackages({ xz: 'xz-utils' }, say);
  say(`unpacking what is needed of ${tarball} in ${tree.folder}`);
  mkdirSync(tree.builds, { recursive: true });
  const temporary = mkdtempSync(join(tree.builds, '.unpacking-'));
  try {
    const members = ['Makefile', ...FOLDERS.map((folder) => `${folder}/*`)].map((name) => `${SOURCE_PACKAGE}/${name}`);
    await runWell(
      'tar',
      ['-xJf', tarball, '-C', temporary, '--strip-components=1', '--wildcards', ...members],
      options,
    );
    renameSync(temporary, tree.folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  for (const name of readdirSync(cacheFolder()))
    if (name.startsWith(PREFIX) && name !== `${PREFIX}${version}`)
      rmSync(join(cacheFolder(), name), { recursive: true, force: true });
  return tree;
}
