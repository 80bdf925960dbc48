/**
 * Folders for temporary files that name the process they belong to: what a killed process left is removed by the next
 * one that makes a folder of the same family.
 *
 *     FAMILY NAME namespace.process.start-XXXXXX     numbers in base 36; start: of the process, in ticks since the boot
 *
 * A process of another namespace of processes may live: its folder is left alone.
 */
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getuid, pid } from 'node:process';

const OWNER = /([0-9a-z]+)\.([0-9a-z]+)\.([0-9a-z]+)-[A-Za-z0-9]{6}$/;
/** A file in a folder that its process has left for people. */
const KEPT = '.kept';
/** Of `/proc/PID/stat`, behind the program's name, which may hold anything. */
const START_FIELD = 19;

/** Makes a folder, for its owner alone; short: a socket's path has 107 bytes at most. Removes what others left. */
export function ownFolder(family: string, name = ''): string {
  removeLeft(family);
  return mkdtempSync(join(tmpdir(), `${family}${name}${ownerTag()}-`));
}

/** The folder outlives its process. */
export function keepFolder(folder: string): void {
  writeFileSync(join(folder, KEPT), '');
}

const base36 = (decimal: string): string => Number(decimal).toString(36);

const ownerTag = (): string => `${namespaceTag()}.${pid.toString(36)}.${startTag(pid) ?? '0'}`;

/** Where there is no /proc, every process is in one of which nothing is known. */
function namespaceTag(): string {
  try {
    return base36(/\d+/.exec(readlinkSync('/proc/self/ns/pid'))![0]);
  } catch {
    return '0';
  }
}

/** Null: there is no such process. */
function startTag(process: number): string | null {
  try {
    const stat = readFileSync(`/proc/${process}/stat`, 'latin1');
    return base36(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[START_FIELD]!);
  } catch {
    return null;
  }
}

function removeLeft(family: string): void {
  const namespace = namespaceTag();
  if (namespace === '0') return;
  for (const name of readdirSync(tmpdir())) {
    const owner = name.startsWith(family) ? OWNER.exec(name) : null;
    if (owner === null || owner[1] !== namespace || startTag(Number.parseInt(owner[2]!, 36)) === owner[3]) continue;
    const folder = join(tmpdir(), name);
    try {
      const status = lstatSync(folder);
      if (!status.isDirectory() || status.uid !== getuid?.() || existsSync(join(folder, KEPT))) continue;
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // Another process removes it too, or something is mounted there.
    }
  }
}
