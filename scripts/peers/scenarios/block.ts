/** A guest on a block backend: the whole disk read, a file system made, filled, read back, and the same bytes outside. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { expectEqual } from '../failure.ts';
import { bootGuest } from '../guest.ts';
import { numberOf, resultOf } from '../guest-output.ts';
import type { BlockBackend } from '../programs.ts';
import { type Figures, hashOfFile, type Scenario, type Settings } from '../scenario.ts';
import type { Scope } from '../scope.ts';

export const MIB = 1 << 20;
const DISK_BYTES = 64 * MIB;
const FILE_MIB = 50;
const TIMEOUT_MS = 240_000;

export const blockDevice = (socket: string, more = ''): string[] => [
  ...['-chardev', `socket,id=char,path=${socket}${more}`],
  ...['-device', 'vhost-user-blk-pci,chardev=char,num-queues=1'],
];

const SCRIPT = `
result capacity $(blockdev --getsize64 /dev/vda)
result hash-before $(sha256sum </dev/vda | cut -d' ' -f1)
mke2fs -F /dev/vda
mkdir /disk
mount -t ext2 /dev/vda /disk
result written-md5 $(dd if=/dev/urandom bs=1M count=${FILE_MIB} | tee /disk/file | md5sum | cut -d' ' -f1)
umount /disk
echo 3 >/proc/sys/vm/drop_caches
mount -t ext2 -o ro /dev/vda /disk
result size $(stat -c %s /disk/file)
result read-md5 $(md5sum </disk/file | cut -d' ' -f1)
umount /disk
echo 3 >/proc/sys/vm/drop_caches
result hash-after $(sha256sum </dev/vda | cut -d' ' -f1)
`;

async function run(scope: Scope, backend: BlockBackend): Promise<Figures> {
  const socket = scope.path('blk.sock');
  const image = scope.path('disk');
  writeFileSync(image, randomBytes(DISK_BYTES));
  const hashBefore = await hashOfFile(image);
  const server = await backend.start(scope, { socket, image });
  const results = await bootGuest(scope, { devices: blockDevice(socket), script: SCRIPT, timeoutMs: TIMEOUT_MS });
  await server.stop();
  expectEqual("the disk's size in the guest", numberOf(results, 'capacity'), DISK_BYTES);
  expectEqual("the disk's hash in the guest, before", resultOf(results, 'hash-before'), hashBefore);
  expectEqual("the file's size after mounting again", numberOf(results, 'size'), FILE_MIB * MIB);
  expectEqual("the file's md5 after mounting again", resultOf(results, 'read-md5'), resultOf(results, 'written-md5'));
  expectEqual("the disk's hash outside, after", await hashOfFile(image), resultOf(results, 'hash-after'));
  return { 'disk MiB': DISK_BYTES / MIB, 'written MiB': FILE_MIB, 'booted s': numberOf(results, 'booted') };
}

export const block = (backendOf: (settings: Settings) => BlockBackend, whose: string): Scenario => ({
  summary: `a Linux guest on ${whose}: disk, file system, ${FILE_MIB} MiB, hashes equal inside and outside`,
  run: (scope, settings) => run(scope, backendOf(settings)),
});
