/** The sets of peers that can be installed, by name. */
import { installPackages, unpackKernel } from './packages.ts';
import { RELEASE, unpackRelease } from './release.ts';

type Say = (line: string) => void;

/** A set → how it is installed; packages are named by a program, or a file, that is there when the package is. */
export const PEER_SETS: Readonly<Record<string, (say: Say) => Promise<unknown>>> = {
  async qemu(say) {
    await installPackages(
      {
        'qemu-system-x86_64': 'qemu-system-x86',
        'qemu-storage-daemon': 'qemu-system-common',
        '/bin/busybox': 'busybox-static',
        ip: 'iproute2',
      },
      say,
    );
    await unpackKernel(say);
  },
  testpmd: (say) => installPackages({ 'dpdk-testpmd': 'dpdk-dev' }, say),
  [RELEASE]: unpackRelease,
};

/** Installs the named sets. Idempotent. @throws Missing */
export async function install(sets: readonly string[], say: Say): Promise<void> {
  for (const name of sets) await PEER_SETS[name]!(say);
}
