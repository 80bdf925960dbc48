/** The peers' Debian packages, by name, and the guest's kernel, which is unpacked beside the system, not installed. */
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { arch, env, getuid } from 'node:process';
import { $ } from 'zx/core';
import { Missing } from './failure.ts';

const KERNEL_META_PACKAGE = 'linux-image-cloud-amd64';
const KERNEL_PREFIX = 'linux-image-';

/** No call of a package tool takes longer: a network that swallows packets must not hold a test up. */
const PACKAGE_TOOL_TIMEOUT = '180s';

/** Where a command, or a file by its path, is; null: nowhere. */
export function findCommand(command: string): string | null {
  if (command.startsWith('/')) return existsSync(command) ? command : null;
  const folders = [...(env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, command)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @throws Missing unless the command is there. */
export function needCommand(command: string): string {
  const path = findCommand(command);
  if (path === null) throw new Missing(`${command} is not installed: npm run peers-vhost -- install`);
  return path;
}

export const cacheFolder = (): string => join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'vringbench', 'peers');

export interface Kernel {
  /** The image QEMU boots. */
  image: string;
  /** Where its modules are. */
  modules: string;
}

/** The unpacked kernel; null: none yet. */
function findKernel(packageName: string | null): Kernel | null {
  const cache = cacheFolder();
  if (!existsSync(cache)) return null;
  const folders = readdirSync(cache).filter((name) =>
    packageName === null ? name.startsWith(KERNEL_PREFIX) : name === packageName,
  );
  // The newest: numbers in names are compared as numbers.
  const folder = folders.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
  if (folder === undefined) return null;
  const release = folder.replace(/^linux-image-/, '');
  return {
    image: join(cache, folder, 'boot', `vmlinuz-${release}`),
    modules: join(cache, folder, 'lib', 'modules', release),
  };
}

/** @throws Missing unless a kernel was unpacked. */
export function needKernel(): Kernel {
  const kernel = findKernel(null);
  if (kernel === null) throw new Missing('no guest kernel: npm run peers-vhost -- install qemu');
  return kernel;
}

/** Runs a command of the package tools; what it said is the error. @throws Missing */
export async function runTool(command: string, ...args: string[]): Promise<string> {
  const options = { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' }, timeout: PACKAGE_TOOL_TIMEOUT } as const;
  const done = await $(options)`${command} ${args}`.quiet().nothrow();
  if (done.exitCode !== 0)
    throw new Missing(`${command} ${args.join(' ')}: ${done.stderr.trim().split('\n').at(-1) ?? 'failed'}`);
  return done.stdout;
}

/** @throws Missing without the package tools of Debian. */
export function needApt(what: string): void {
  if (findCommand('apt-get') === null || findCommand('dpkg-deb') === null)
    throw new Missing(`no apt here, and it would install ${what}: these are Debian's names of the packages`);
}

/** Installs what of a set is not there yet. @throws Missing without apt or without the right to use it. */
export async function installPackages(
  set: Readonly<Record<string, string>>,
  say: (line: string) => void,
): Promise<void> {
  const wanted = Object.keys(set).filter((command) => findCommand(command) === null);
  const packages = [...new Set(wanted.map((command) => set[command]!))];
  const present = [...new Set(Object.values(set))].filter((name) => !packages.includes(name));
  if (present.length > 0) say(`already here: ${present.join(' ')}`);
  if (packages.length === 0) return;
  needApt(packages.join(' '));
  if (getuid?.() !== 0)
    throw new Missing(`root must run: apt-get install --no-install-recommends ${packages.join(' ')}`);
  say(`installing: ${packages.join(' ')}`);
  await runTool('apt-get', 'update', '-qq');
  await runTool('apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...packages);
  for (const command of wanted)
    if (findCommand(command) === null) throw new Missing(`${set[command]} is installed, but ${command} is not there`);
}

/** The package that a meta package stands for today: 'linux-image-cloud-amd64' → 'linux-image-6.1.0-9-cloud-amd64'. */
async function packageBehind(meta: string, prefix: string): Promise<string> {
  const named = async () =>
    (await runTool('apt-cache', 'depends', meta))
      .split('\n')
      .map((line) => /Depends: (\S+)/.exec(line)?.[1])
      .find((name) => name?.startsWith(prefix));
  const first = await named().catch(() => undefined);
  if (first !== undefined) return first;
  if (getuid?.() === 0) await runTool('apt-get', 'update', '-qq');
  const second = await named();
  if (second === undefined) throw new Missing(`${meta} does not say which package it stands for`);
  return second;
}

/** Downloads the guest's kernel and unpacks it in the cache, in place of an older one; the system gets no kernel. */
export async function unpackKernel(say: (line: string) => void): Promise<Kernel> {
  if (arch !== 'x64') throw new Missing(`guests are booted on x86-64 only, not on ${arch}`);
  needApt(KERNEL_META_PACKAGE);
  const name = await packageBehind(KERNEL_META_PACKAGE, KERNEL_PREFIX);
  await unpackPackage(name, say);
  for (const old of readdirSync(cacheFolder()))
    if (old.startsWith(KERNEL_PREFIX) && old !== name)
      rmSync(join(cacheFolder(), old), { recursive: true, force: true });
  return findKernel(name)!;
}

/** Downloads a package and unpacks it in the cache: its folder there. The system does not change. @throws Missing */
export async function unpackPackage(name: string, say: (line: string) => void): Promise<string> {
  const folder = join(cacheFolder(), name);
  if (existsSync(folder)) {
    say(`already here: ${name}, unpacked in ${folder}`);
    return folder;
  }
  needApt(name);
  say(`unpacking: ${name} in ${folder}`);
  await unpackAll(folder, (temporary) => downloadInto(temporary, name));
  return folder;
}

/**
 * Unpacks into `folder`, in place of an older one, the packages that `download` leaves in the temporary folder that it
 * is given. `folder` is there when all is in it, and not before.
 */
export async function unpackAll(folder: string, download: (temporary: string) => Promise<void>): Promise<void> {
  mkdirSync(cacheFolder(), { recursive: true });
  const temporary = mkdtempSync(join(cacheFolder(), '.unpacking-'));
  try {
    await download(temporary);
    for (const file of readdirSync(temporary).filter((entry) => entry.endsWith('.deb')))
      await runTool('dpkg-deb', '-x', join(temporary, file), join(temporary, 'root'));
    rmSync(folder, { recursive: true, force: true });
    renameSync(join(temporary, 'root'), folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Folders of packages whose boot folder holds small real images: a memory tester (bzImage), a hypervisor (ELF). */
export async function unpackMemoryTester(say: (line: string) => void): Promise<string> {
  return await unpackPackage('memtest86+', say);
}
export async function unpackHypervisor(say: (line: string) => void): Promise<string> {
  needApt('xen-system-amd64');
  return await unpackPackage(await packageBehind('xen-system-amd64', 'xen-hypervisor-'), say);
}

/** apt-get download writes to the current folder only, and old lists name packages that are gone. */
async function downloadInto(folder: string, name: string): Promise<void> {
  const download = () => $({ cwd: folder, timeout: PACKAGE_TOOL_TIMEOUT })`apt-get download -qq ${name}`.quiet();
  try {
    await download();
  } catch {
    if (getuid?.() === 0) await runTool('apt-get', 'update', '-qq');
    try {
      await download();
    } catch {
      throw new Missing(`apt-get download ${name} failed: its lists may be old (apt-get update, as root)`);
    }
  }
}
