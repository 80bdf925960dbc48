/** Where a run takes the programs of real peers from: the system, or a release beside it. */
import { spawnSync } from 'node:child_process';
import { needCommand } from './packages.ts';
import { type Command, RELEASE, releaseCommand } from './release.ts';

const VERSION_TIMEOUT_MS = 10_000;

/** How a program is started. @throws Missing */
export type Origin = (program: string) => Command;

export const SYSTEM: Origin = (program) => ({ path: needCommand(program), args: [] });

export const ORIGINS = {
  system: SYSTEM,
  [RELEASE]: (program) => releaseCommand(program) ?? SYSTEM(program),
} as const satisfies Readonly<Record<string, Origin>>;

/** The programs whose version is told, by what it is told as: they answer `--version` and end. */
const TOLD_AS: Readonly<Record<string, string>> = {
  'qemu-system-x86_64': 'QEMU',
  'qemu-storage-daemon': 'qemu-storage-daemon',
};

/** Pure: 'QEMU emulator version 7.2.17 (Debian 1:7.2)' → '7.2.17'; null: it names none. */
export const versionIn = (text: string): string | null => /\bversion (\d[\w.]*)/.exec(text)?.[1] ?? null;

/** 'QEMU 10.0.13'; null: it does not tell. */
export function versionOf(program: string, { path, args }: Command): string | null {
  if (!Object.hasOwn(TOLD_AS, program)) return null;
  const { stdout } = spawnSync(path, [...args, '--version'], { encoding: 'utf8', timeout: VERSION_TIMEOUT_MS });
  const version = versionIn(stdout ?? '');
  return version === null ? null : `${TOLD_AS[program]} ${version}`;
}
