/**
 * A frontend that shortens the file of its memory. What is gone is refused as long as nobody has mapped it; once it is
 * mapped nothing helps but a seal: whoever touches what is gone is ended by the kernel (SIGBUS), JavaScript at once, a
 * call of libc with EFAULT. QEMU seals its memfds by itself, and so does this frontend.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { ftruncateSync } from 'node:fs';
import { test } from 'node:test';
import { whyUnavailable } from '../../native/libc.ts';
import { ODD_DESCRIPTORS } from '../../native/odd-descriptors.ts';
import { file } from './test-frontend.ts';
import { type Peer, PROTOCOL, REPLY_ACK, withPeer } from './test-hostile-peer.ts';
import { withServedSocket } from './test-server.ts';

const skip = whyUnavailable() ?? false;

const ELSEWHERE = { guestAddress: 2n ** 30n, userAddress: 2n ** 30n, sizeBytes: 4096n };

/** Memory of the test guest, and a page of a file that can be shortened. */
const tableWith = (peer: Peer, descriptor: number) =>
  ({
    request: 'SET_MEM_TABLE',
    regions: [peer.region(), peer.region(ELSEWHERE)],
    handles: [peer.memory(), file(descriptor)],
  }) as const;

for (const when of ['before the table', 'before a queue starts'] as const)
  test(`hostile shrink: ${when}, it is refused`, { skip }, () =>
    withServedSocket((served) =>
      withPeer(served, async (peer) => {
        const { frontend, guest } = peer;
        const odd = ODD_DESCRIPTORS['a memfd']();
        try {
          await peer.reach('negotiated', PROTOCOL | REPLY_ACK);
          if (when === 'before the table') ftruncateSync(odd.descriptor, 4088);
          assert.equal(await frontend.value(tableWith(peer, odd.descriptor)), when === 'before the table' ? 1n : 0n);
          ftruncateSync(odd.descriptor, 0);
          const { size: num, addresses, kick } = guest.ring(0);
          await frontend.tell({ request: 'SET_VRING_NUM', index: 0, num });
          if (when === 'before the table') return;
          assert.equal(
            await frontend.value({ request: 'SET_VRING_ADDR', index: 0, flags: 0, ...addresses, log: 0n }),
            0n,
          );
          const start = { request: 'SET_VRING_KICK', index: 0, noDescriptor: false, handles: [file(kick)] } as const;
          assert.equal(await frontend.value(start), 0n);
          assert.equal(await frontend.value({ request: 'SET_VRING_ENABLE', index: 0, num: 1 }), 1n);
          assert.ok(served.events.some(({ kind }) => kind === 'queue-broken'));
          await frontend.setMemory(guest);
          await frontend.stop(0);
          await frontend.setUp(guest, 0);
          await peer.exchange(0);
        } finally {
          odd.close();
        }
      }),
    ),
  );

/** A program that maps a page of a file of `opened`, shortens the file and touches the page. */
const program = (opened: string) => `
  import { ftruncateSync } from 'node:fs';
  const { ODD_DESCRIPTORS } = await import(${JSON.stringify(new URL('../../native/odd-descriptors.js', import.meta.url).href)});
  const { openMemfd } = await import(${JSON.stringify(new URL('../../native/memfd.js', import.meta.url).href)});
  const { mapFile } = await import(${JSON.stringify(new URL('../../native/mapping.js', import.meta.url).href)});
  const descriptor = ${opened};
  const bytes = new Uint8Array(mapFile(descriptor, { offsetBytes: 0, sizeBytes: 4096 }).buffer);
  bytes[0] = 1;
  try { ftruncateSync(descriptor, 0); } catch (error) { console.log(error.code); }
  console.log(bytes[0]);
`;

const run = (opened: string) =>
  spawnSync(process.execPath, ['--input-type=module', '-e', program(opened)], { encoding: 'utf8', timeout: 60_000 });

test('hostile shrink: under a mapping it ends the process, unless the file is sealed', { skip }, () => {
  assert.equal(run(`ODD_DESCRIPTORS['a memfd']().descriptor`).signal, 'SIGBUS');
  assert.equal(run(`openMemfd('sealed', 4096)`).stdout, 'EPERM\n1\n');
});
