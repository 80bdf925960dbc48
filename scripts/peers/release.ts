/**
 * Programs of a newer Debian release beside the system's own: their packages, and all that these need, are unpacked in
 * a folder of the cache, and run by the loader and the libraries in it. The system does not change, no script of a
 * package runs, nothing is mounted, and neither unpacking nor running needs root.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { arch, getuid } from 'node:process';
import { Missing } from './failure.ts';
import { cacheFolder, needApt, runTool, unpackAll } from './packages.ts';

export const RELEASE = 'debian13';
const SUITE = 'trixie';
const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';
const LOADER = 'usr/lib64/ld-linux-x86-64.so.2';
const LIBRARIES = 'usr/lib/x86_64-linux-gnu';

interface ReleaseProgram {
  package: string;
  /** Arguments that let it find its own files, which it expects in the system's folders. */
  args(root: string): readonly string[];
}

/** What is run from the release; whatever else a scenario starts is the system's. */
const PROGRAMS: Readonly<Record<string, ReleaseProgram>> = {
  'qemu-system-x86_64': {
    package: 'qemu-system-x86',
    args: (root) =>
      ['usr/share/qemu', 'usr/share/seabios', 'usr/lib/ipxe/qemu'].flatMap((folder) => ['-L', join(root, folder)]),
  },
  'qemu-storage-daemon': { package: 'qemu-utils', args: () => [] },
};

/** How a program is started: its own arguments follow `args`. */
export interface Command {
  path: string;
  args: readonly string[];
}

const rootFolder = () => join(cacheFolder(), RELEASE);
const fileOf = (root: string, program: string) => join(root, 'usr/bin', program);

/** How a program of the release is started; null: the release does not stand for it. @throws Missing unless unpacked */
export function releaseCommand(program: string): Command | null {
  const known = Object.hasOwn(PROGRAMS, program) ? PROGRAMS[program] : undefined;
  if (known === undefined) return null;
  const root = rootFolder();
  const file = fileOf(root, program);
  if (!existsSync(file))
    throw new Missing(`${program} of ${RELEASE} is not here: npm run peers-vhost -- install ${RELEASE}`);
  return { path: join(root, LOADER), args: ['--library-path', join(root, LIBRARIES), file, ...known.args(root)] };
}

/** Pure: the address of Debian's own archive in what `apt-get indextargets` prints in `TARGET_FORMAT`; null: none. */
export function archiveIn(targets: string): string | null {
  const line = targets.split('\n').find((text) => text.startsWith('Debian|Debian|'));
  return line?.split('|')[2] ?? null;
}
const TARGET_FORMAT = '$(ORIGIN)|$(LABEL)|$(REPO_URI)';

/** Where the system's own packages come from. @throws Missing */
async function archiveAddress(): Promise<string> {
  const targets = () => runTool('apt-get', 'indextargets', '--format', TARGET_FORMAT, 'Created-By: Packages');
  const known = archiveIn(await targets());
  if (known !== null) return known;
  if (getuid?.() === 0) await runTool('apt-get', 'update', '-qq');
  const updated = archiveIn(await targets());
  if (updated === null) throw new Missing(`${RELEASE}: apt knows no archive of Debian's (apt-get update, as root)`);
  return updated;
}

/** Leaves in `folder` the packages, and all that they need of the release, as if nothing were installed. */
async function download(folder: string, packages: readonly string[]): Promise<void> {
  const own = join(folder, 'apt');
  mkdirSync(own);
  const [list, status] = [join(own, 'sources.list'), join(own, 'status')];
  writeFileSync(list, `deb [signed-by=${KEYS}] ${await archiveAddress()} ${SUITE} main\n`);
  writeFileSync(status, '');
  const settings = {
    'Dir::Etc::sourcelist': list,
    'Dir::Etc::sourceparts': '-',
    'Dir::State': own,
    'Dir::State::status': status,
    'Dir::Cache': own,
    'Dir::Cache::archives': `${folder}/`,
    'Dir::Log': own,
    'Acquire::Languages': 'none',
    // Root's cache folder is closed to the user that apt would download as.
    'APT::Sandbox::User': 'root',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await runTool('apt-get', ...options, 'update', '-qq');
  await runTool(
    'apt-get',
    ...options,
    ...['install', '-y', '-qq', '--no-install-recommends', '--download-only'],
    ...packages,
  );
}

/** Unpacks the release's programs, unless all are here. Idempotent. @throws Missing */
export async function unpackRelease(say: (line: string) => void): Promise<void> {
  const root = rootFolder();
  const packages = [...new Set(Object.values(PROGRAMS).map((program) => program.package))];
  const lacking = () => Object.keys(PROGRAMS).filter((program) => !existsSync(fileOf(root, program)));
  if (lacking().length === 0) {
    say(`already here: ${packages.join(' ')} of ${RELEASE}, unpacked in ${root}`);
    return;
  }
  if (arch !== 'x64') throw new Missing(`guests are booted on x86-64 only, not on ${arch}`);
  needApt(`${packages.join(' ')} of ${RELEASE}`);
  say(`unpacking: ${packages.join(' ')} of ${RELEASE} in ${root}`);
  await unpackAll(root, (temporary) => download(temporary, packages));
  for (const program of lacking())
    throw new Missing(`${PROGRAMS[program]!.package} of ${RELEASE} is unpacked, but ${program} is not there`);
}
