/**
 * The guest's first and only file system: busybox, the virtio modules, `/init`, and the scenario's script. Built in
 * memory for each boot: it is 3 MB.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type ArchiveEntry, archive } from './archive.ts';
import { isDynamic } from './elf.ts';
import { Missing } from './failure.ts';
import { dependenciesOf, insertionOrder, moduleName } from './modules.ts';
import type { Kernel } from './packages.ts';

const BUSYBOX = '/bin/busybox';
const MODULES = ['virtio_pci', 'virtio_blk', 'virtio_net', 'virtio_rng'];

/** What must not be seen in the kernel's log after a scenario. */
const KERNEL_ERRORS = 'I/O error|EXT[0-9]-fs error|blocked for more|Call Trace|BUG:|virtio.*(error|broken)';

/**
 * Results go to the second serial port, everything else to the first: the kernel's messages never cut a result.
 * `/script` runs with errexit and may call `result KEY VALUE`.
 */
const init = (modules: readonly string[]) => `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /bin
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mount -t tmpfs tmpfs /tmp
/bin/busybox --install -s /bin
export PATH=/bin
exec </dev/null >/dev/console 2>&1
for module in ${modules.join(' ')}; do insmod /modules/$module.ko; done
printf 'RESULT booted=%s\\n' "$(cut -d' ' -f1 /proc/uptime)" >/dev/ttyS1
sh -e /script
printf 'RESULT status=%s\\n' $? >/dev/ttyS1
dmesg | grep -E '${KERNEL_ERRORS}'
printf 'RESULT kernel-errors=%s\\n' "$(dmesg | grep -cE '${KERNEL_ERRORS}')" >/dev/ttyS1
printf 'RESULT end=yes\\n' >/dev/ttyS1
poweroff -f
`;

const script = (commands: string) => `result() { printf 'RESULT %s=%s\\n' "$1" "$2" >/dev/ttyS1; }
${commands}
`;

/** The guest has no libraries. @throws Missing for the busybox of the package `busybox` */
function staticBusybox(): Buffer {
  const bytes = readFileSync(BUSYBOX);
  if (isDynamic(bytes))
    throw new Missing(`${BUSYBOX} needs libraries: the package busybox-static must take the place of busybox`);
  return bytes;
}

/** Every module of the kernel: name → file. */
function modulesOf(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  if (files.some((file) => /\.ko\.(xz|zst|gz)$/.test(file)))
    throw new Missing(`the modules in ${folder} are compressed, which is not supported`);
  return new Map(
    files.filter((file) => file.endsWith('.ko')).map((file) => [moduleName(basename(file)), join(folder, file)]),
  );
}

/** The archive QEMU passes to the kernel. `commands` are the scenario's, for busybox's sh. */
export function guestImage(kernel: Kernel, commands: string): Buffer {
  const files = modulesOf(kernel.modules);
  const bytesOf = new Map<string, Buffer>();
  const read = (name: string): Buffer | null => {
    const file = files.get(name);
    if (file === undefined) return null;
    const bytes = readFileSync(file);
    bytesOf.set(name, bytes);
    return bytes;
  };
  const order = insertionOrder(MODULES, (name) => {
    const bytes = read(name);
    return bytes === null ? null : dependenciesOf(bytes);
  });
  const entries: ArchiveEntry[] = [
    { path: 'bin', bytes: null },
    { path: 'bin/busybox', bytes: staticBusybox() },
    { path: 'modules', bytes: null },
    ...order.map((name) => ({ path: `modules/${name}.ko`, bytes: bytesOf.get(name)!, mode: 0o644 })),
    { path: 'init', bytes: Buffer.from(init(order)) },
    { path: 'script', bytes: Buffer.from(script(commands)) },
  ];
  return archive(entries);
}
