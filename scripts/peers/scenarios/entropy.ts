/** A guest reads its hardware random numbers from an entropy device. */
import { expectEqual, Failure } from '../failure.ts';
import { bootGuest } from '../guest.ts';
import { numberOf, resultOf } from '../guest-output.ts';
import { serve } from '../programs.ts';
import type { Figures, Scenario } from '../scenario.ts';
import type { Scope } from '../scope.ts';
import { MIB } from './block.ts';

const PIECE_BYTES = 64;
const TIMEOUT_MS = 90_000;

/** A piece given twice, zeros, and bytes that can be packed are seen. */
const SCRIPT = `
result source $(cat /sys/class/misc/hw_random/rng_current)
dd if=/dev/hwrng of=/tmp/random bs=4096 count=256 iflag=fullblock
result bytes $(wc -c </tmp/random)
result packed $(gzip -c </tmp/random | wc -c)
result pieces $(xxd -p -c ${PIECE_BYTES} /tmp/random | sort -u | wc -l)
`;

async function read(scope: Scope, devices: readonly string[]): Promise<Figures> {
  const results = await bootGuest(scope, { devices, script: SCRIPT, timeoutMs: TIMEOUT_MS });
  expectEqual("the guest's source of random numbers", resultOf(results, 'source'), 'virtio_rng.0');
  expectEqual('bytes read', numberOf(results, 'bytes'), MIB);
  expectEqual('pieces that differ from each other', numberOf(results, 'pieces'), MIB / PIECE_BYTES);
  const packed = numberOf(results, 'packed');
  if (packed < MIB) throw new Failure(`random bytes that pack to ${packed} are not random`);
  return { 'read bytes': MIB, 'packed bytes': packed };
}

/** QEMU's own device: shows that the guest's side works. */
export const entropyOfQemu: Scenario = {
  summary: "a guest reads 1 MiB from QEMU's own entropy device",
  run: (scope) => read(scope, ['-device', 'virtio-rng-pci']),
};

export const entropyOurs: Scenario = {
  summary: 'a guest reads 1 MiB from our entropy backend',
  async run(scope, settings) {
    const socket = scope.path('rng.sock');
    await serve(scope, settings, socket, ['rng']);
    return await read(scope, [
      ...['-chardev', `socket,id=char,path=${socket}`],
      ...['-device', 'vhost-user-rng-pci,chardev=char'],
    ]);
  },
};
