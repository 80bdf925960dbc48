/** Memory and logs of sizes that no machine has: sparse files. A message about them costs what is used, not what is said. */
import assert from 'node:assert/strict';
import { readSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { addEventfd } from '../../native/eventfd.ts';
import { libc, whyUnavailable } from '../../native/libc.ts';
import { VRING_DESC_F_WRITE } from '../../ring/constants.ts';
import type { TestGuest } from './test-frontend.ts';
import { FEATURES, LOG_ALL, type Peer, PROTOCOL, REPLY_ACK, withPeer } from './test-hostile-peer.ts';
import { withServedSocket } from './test-server.ts';

const skip = whyUnavailable() ?? false;

const GIB = 2 ** 30;
const TIB = 2 ** 40;
/** All that a table may hold, but for the guest's own memory. */
const SPARSE_BYTES = 4 * TIB - 4 * GIB;
const SPARSE_BASE = TIB;
const MESSAGES = 8;

/** Bytes of the views that this thread makes meanwhile. */
async function viewedBytes(body: () => Promise<void>): Promise<number> {
  const calls = libc();
  const { view } = calls;
  let sum = 0;
  calls.view = (address, sizeBytes) => {
    sum += sizeBytes;
    return view(address, sizeBytes);
  };
  try {
    await body();
  } finally {
    calls.view = view;
  }
  return sum;
}

const sparseRegion = {
  guestAddress: BigInt(SPARSE_BASE),
  sizeBytes: BigInt(SPARSE_BYTES),
  userAddress: BigInt(16 * TIB),
  mmapOffset: 0n,
};

/** A request whose data lie in the sparse file, `offset` bytes into it. */
async function exchangeFar(guest: TestGuest, descriptor: number, offset: number, value: number): Promise<void> {
  const { driver, kick } = guest.ring(0);
  writeSync(descriptor, Uint32Array.of(value), 0, 4, offset);
  driver.writeChain(6, [
    { address: SPARSE_BASE + offset, length: 4 },
    { address: SPARSE_BASE + offset + 64, length: 4, flags: VRING_DESC_F_WRITE },
  ]);
  driver.offer(6);
  addEventfd(kick);
  assert.deepEqual(await guest.nextUsed(0), { id: 6, length: 4 });
  const answer = new Uint32Array(1);
  assert.equal(readSync(descriptor, answer, 0, 4, offset + 64), 4);
  assert.equal(answer[0], value);
}

/** Each way of saying that memory is another one now; the last leaves a table with the sparse region. */
const WAYS: readonly [what: string, say: (peer: Peer, sparse: ReturnType<Peer['file']>) => Promise<void>][] = [
  [
    'SET_MEM_TABLE',
    async (peer, sparse) => {
      const { frontend, guest } = peer;
      for (let i = 0; i < MESSAGES; i++) {
        const table = { request: 'SET_MEM_TABLE', regions: [guest.region, sparseRegion] } as const;
        assert.equal(await frontend.value({ ...table, handles: [peer.memory(), sparse] }), 0n);
      }
    },
  ],
  [
    'ADD_MEM_REG, REM_MEM_REG',
    async ({ frontend }, sparse) => {
      const add = { request: 'ADD_MEM_REG', region: sparseRegion, handles: [sparse] } as const;
      for (let i = 0; i < MESSAGES; i++) {
        assert.equal(await frontend.value(add), 0n);
        assert.equal(await frontend.value({ request: 'REM_MEM_REG', region: sparseRegion }), 0n);
      }
      assert.equal(await frontend.value(add), 0n);
    },
  ],
];

for (const [what, say] of WAYS)
  test(`hostile memory: 4 TiB in a sparse file, ${what}: no view of what is not used`, { skip }, () =>
    withServedSocket((served) =>
      withPeer(served, async (peer) => {
        await peer.reach('running', PROTOCOL | REPLY_ACK);
        const sparse = peer.file(SPARSE_BYTES);
        assert.ok(sparse.kind === 'descriptor');
        // The ring's own region is one of the others: nothing of this one is used.
        const viewed = await viewedBytes(() => say(peer, sparse));
        assert.ok(viewed < 4 * GIB, `${viewed / GIB} GiB of views`);
        for (const offset of [0, 4 * GIB - 4, SPARSE_BYTES / 2, SPARSE_BYTES - 4096])
          await exchangeFar(peer.guest, sparse.descriptor, offset, offset % 1000);
      }),
    ),
  );

test('hostile memory: a log of 4 TiB is used as far as memory goes', { skip }, () =>
  withServedSocket((served) =>
    withPeer(served, async (peer) => {
      const { frontend, guest } = peer;
      await peer.reach('running', PROTOCOL | REPLY_ACK);
      const handles = [peer.file(4 * TIB)];
      const log = { request: 'SET_LOG_BASE', sizeBytes: BigInt(4 * TIB), offsetBytes: 0n, handles } as const;
      assert.equal(await frontend.value({ request: 'SET_FEATURES', value: FEATURES | LOG_ALL }), 0n);
      const viewed = await viewedBytes(async () => {
        for (let i = 0; i < MESSAGES; i++) {
          assert.equal(await frontend.value(log), 0n);
          await guest.exchange(0, 4, 70 + i, () => addEventfd(guest.ring(0).kick));
        }
      });
      assert.ok(viewed < GIB, `${viewed} bytes of views`);
      const page = Math.floor(guest.answerAddress(0, 4) / 4096);
      const [file] = handles;
      assert.ok(file?.kind === 'descriptor');
      const byte = new Uint8Array(1);
      readSync(file.descriptor, byte, 0, 1, Math.floor(page / 8));
      assert.notEqual(byte[0]! & (1 << (page % 8)), 0, 'a written page is noted');
    }),
  ),
);
