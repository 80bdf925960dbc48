/**
 * A file whose reads and writes take milliseconds: qemu-storage-daemon throttles an image and shows it as a file
 * (FUSE). A backend on it is always in the middle of a request when it is killed. Needs root.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { getuid } from 'node:process';
import { Missing } from './failure.ts';
import type { Scope } from './scope.ts';

const READY_MS = 10_000;

/** Returns the file to give to a backend. @throws Missing where there is no FUSE, or not the right to it */
export async function slowDisk(scope: Scope, image: string, requestsPerSecond: number): Promise<string> {
  if (getuid?.() !== 0 || !existsSync('/dev/fuse')) throw new Missing('a slow disk needs root and /dev/fuse');
  const path = `${image}-slow`;
  writeFileSync(path, '');
  const daemon = scope.startProgram('slow-disk', 'qemu-storage-daemon', [
    ...['--object', `throttle-group,id=limit,x-iops-total=${requestsPerSecond}`],
    ...['--blockdev', `driver=file,node-name=file,filename=${image}`],
    ...['--blockdev', 'driver=throttle,node-name=slow,throttle-group=limit,file=file'],
    ...['--export', `type=fuse,id=export,node-name=slow,mountpoint=${path},writable=on`],
  ]);
  // When it is killed instead of stopped, the mount would stay.
  scope.defer(() => {
    spawnSync('umount', ['-l', path], { stdio: 'ignore' });
  });
  await daemon.until('mounted file', () => statSync(path).size > 0, READY_MS);
  return path;
}
