/** The peers' Debian packages, by name, and the guest's kernel, which is unpacked beside the system, not installed. */
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { arch, env, getuid } from 'node:process';
import { $ } from 'zx/core';
import { Missing } from './failure.ts';

const KERNEL_META_PACKAGE = 'linux-image-cloud-amd64';

/** A set of peers: a program that is there when the package is → the package. */
export const PEER_SETS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  qemu: {
    'qemu-system-x86_64': 'qemu-system-x86',
    'qemu-storage-daemon': 'qemu-system-common',
    '/bin/busybox': 'busybox-static',
    ip: 'iproute2',
  },
  testpmd: { 'dpdk-testpmd': 'dpdk-dev' },
};

/** Where a command is; null: nowhere. */
export function findCommand(command: string): string | null {
  const candidates = command.startsWith('/')
    ? [command]
    : [...(env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].map((folder) => join(folder, command));
  return candidates.find(isExecutable) ?? null;
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
    packageName === null ? name.startsWith('linux-image-') : name === packageName,
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

/** Runs a command of the package tools; what it said is the error. */
async function run(command: string, ...args: string[]): Promise<string> {
  const done = await $({ env: { ...env, DEBIAN_FRONTEND: 'noninteractive' } })`${command} ${args}`.quiet().nothrow();
  if (done.exitCode !== 0)
    throw new Missing(`${command} ${args.join(' ')}: ${done.stderr.trim().split('\n').at(-1) ?? 'failed'}`);
  return done.stdout;
}

function needApt(what: string): void {
  if (findCommand('apt-get') === null || findCommand('dpkg-deb') === null)
    throw new Missing(`no apt here, and it would install ${what}: these are Debian's names of the packages`);
}

/** Installs what is not there yet. @throws Missing without apt or without the right to use it. */
async function installPackages(set: Readonly<Record<string, string>>, say: (line: string) => void): Promise<void> {
  const wanted = Object.keys(set).filter((command) => findCommand(command) === null);
  const packages = [...new Set(wanted.map((command) => set[command]!))];
  const present = [...new Set(Object.values(set))].filter((name) => !packages.includes(name));
  if (present.length > 0) say(`already here: ${present.join(' ')}`);
  if (packages.length === 0) return;
  needApt(packages.join(' '));
  if (getuid?.() !== 0)
    throw new Missing(`root must run: apt-get install --no-install-recommends ${packages.join(' ')}`);
  say(`installing: ${packages.join(' ')}`);
  await run('apt-get', 'update', '-qq');
  await run('apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...packages);
  for (const command of wanted)
    if (findCommand(command) === null) throw new Missing(`${set[command]} is installed, but ${command} is not there`);
}

/** The kernel that the meta package stands for today: 'linux-image-6.1.0-9-cloud-amd64'. */
async function kernelPackage(): Promise<string> {
  const named = async () =>
    /Depends: (linux-image-\S+)/.exec(await run('apt-cache', 'depends', KERNEL_META_PACKAGE))?.[1];
  const first = await named().catch(() => undefined);
  if (first !== undefined) return first;
  if (getuid?.() === 0) await run('apt-get', 'update', '-qq');
  const second = await named();
  if (second === undefined) throw new Missing(`${KERNEL_META_PACKAGE} does not say which kernel it stands for`);
  return second;
}

/** Downloads the guest's kernel and unpacks it in the cache, in place of an older one; the system gets no kernel. */
async function unpackKernel(say: (line: string) => void): Promise<void> {
  if (arch !== 'x64') throw new Missing(`guests are booted on x86-64 only, not on ${arch}`);
  needApt(KERNEL_META_PACKAGE);
  const name = await kernelPackage();
  if (findKernel(name) !== null) {
    say(`already here: ${name}, unpacked in ${join(cacheFolder(), name)}`);
    return;
  }
  say(`unpacking: ${name} in ${join(cacheFolder(), name)}`);
  mkdirSync(cacheFolder(), { recursive: true });
  const temporary = mkdtempSync(join(cacheFolder(), '.unpacking-'));
  try {
    await downloadInto(temporary, name);
    const file = readdirSync(temporary).find((entry) => entry.endsWith('.deb'))!;
    await run('dpkg-deb', '-x', join(temporary, file), join(temporary, 'root'));
    for (const old of readdirSync(cacheFolder()))
      if (old.startsWith('linux-image-')) rmSync(join(cacheFolder(), old), { recursive: true, force: true });
    renameSync(join(temporary, 'root'), join(cacheFolder(), name));
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** apt-get download writes to the current folder only, and old lists name packages that are gone. */
async function downloadInto(folder: string, name: string): Promise<void> {
  const download = () => $({ cwd: folder })`apt-get download -qq ${name}`.quiet();
  try {
    await download();
  } catch {
    if (getuid?.() === 0) await run('apt-get', 'update', '-qq');
    try {
      await download();
    } catch {
      throw new Missing(`apt-get download ${name} failed: its lists may be old (apt-get update, as root)`);
    }
  }
}

/** Installs the named sets. Idempotent. @throws Missing */
export async function install(sets: readonly string[], say: (line: string) => void): Promise<void> {
  for (const name of sets) {
    await installPackages(PEER_SETS[name]!, say);
    if (name === 'qemu') await unpackKernel(say);
  }
}
