/** Memory and logs of sizes that no machine has: sparse files. A message about them costs what is used, not what is said. */
import assert from 'node:assert/strict';
import { readFileSync, readSync } from 'node:fs';
import { test } from 'node:test';
import { addEventfd } from '../../native/eventfd.ts';
import { libc, whyUnavailable } from '../../native/libc.ts';
import { FEATURES, LOG_ALL, type Peer, PROTOCOL, REPLY_ACK, withPeer } from './test-hostile-peer.ts';
import { withServedSocket } from './test-server.ts';
import { exchangeFar, GIB, SPARSE_BYTES, sayTable, sparseRegion, TIB } from './test-sparse-memory.ts';

const skip = whyUnavailable() ?? false;

const MESSAGES = 8;

/** The views that this thread makes meanwhile: bytes of each, and in which round of the event loop. */
async function viewsMade(body: () => Promise<void>): Promise<{ sizeBytes: number; round: number }[]> {
  const calls = libc();
  const { view } = calls;
  const made: { sizeBytes: number; round: number }[] = [];
  let round = 0;
  let open = true;
  const count = () => {
    round++;
    if (open) setImmediate(count);
  };
  calls.view = (address, sizeBytes) => {
    made.push({ sizeBytes, round });
    return view(address, sizeBytes);
  };
  setImmediate(count);
  try {
    await body();
  } finally {
    calls.view = view;
    open = false;
  }
  return made;
}

const viewedBytes = async (body: () => Promise<void>): Promise<number> =>
  (await viewsMade(body)).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

/** Each way of saying that memory is another one now; the last leaves a table with the sparse region. */
const WAYS: readonly [what: string, say: (peer: Peer, sparse: ReturnType<Peer['file']>) => Promise<void>][] = [
  [
    'SET_MEM_TABLE',
    async (peer, sparse) => {
      for (let i = 0; i < MESSAGES; i++) await sayTable(peer.frontend, peer.guest, peer.memory(), sparse);
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
          await exchangeFar(peer.guest, sparse.descriptor, [offset]);
      }),
    ),
  );

/** In each of so many pieces that have views of their own. */
const PIECES = 15;
const inPieces = Array.from({ length: PIECES }, (_, i) => i * 64 * GIB + 4096);

test(
  'hostile memory: a request over many pieces of 4 TiB: few of them are viewed in one round of the event loop',
  {
    skip,
  },
  () =>
    withServedSocket((served) =>
      withPeer(served, async (peer) => {
        await peer.reach('running', PROTOCOL | REPLY_ACK);
        const { frontend, guest } = peer;
        const sparse = peer.file(SPARSE_BYTES);
        assert.ok(sparse.kind === 'descriptor');
        const { descriptor } = sparse;
        await sayTable(frontend, guest, peer.memory(), sparse);
        const made = await viewsMade(() => exchangeFar(guest, descriptor, inPieces));
        assert.equal(made.length, PIECES);
        const byRound = new Map<number, number>();
        for (const { round } of made) byRound.set(round, (byRound.get(round) ?? 0) + 1);
        // A kick has a turn, and the queue one that it asked for.
        assert.ok(Math.max(...byRound.values()) <= 2, `views by round: ${[...byRound.values()]}`);
        const again = await viewsMade(() => exchangeFar(guest, descriptor, inPieces));
        assert.equal(again.length, 0, 'views are kept');
      }),
    ),
);

const TABLES = 16;
const PIECES_A_TABLE = 4;

/** Of its address space that this process has taken, bytes. */
const addressesTaken = () => 4096 * Number.parseInt(readFileSync('/proc/self/statm', 'utf8'), 10);

test('hostile memory: tables of 4 TiB, each used in some pieces: what earlier ones took is given back', { skip }, () =>
  withServedSocket((served) =>
    withPeer(served, async (peer) => {
      await peer.reach('running', PROTOCOL | REPLY_ACK);
      const sparse = peer.file(SPARSE_BYTES);
      assert.ok(sparse.kind === 'descriptor');
      const use = async () => {
        await sayTable(peer.frontend, peer.guest, peer.memory(), sparse);
        await exchangeFar(peer.guest, sparse.descriptor, inPieces.slice(0, PIECES_A_TABLE));
      };
      await use();
      const before = addressesTaken();
      for (let i = 0; i < TABLES; i++) await use();
      const more = (addressesTaken() - before) / GIB;
      assert.ok(more < 4 * PIECES_A_TABLE * (TABLES / 2), `${more} GiB of addresses more`);
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
