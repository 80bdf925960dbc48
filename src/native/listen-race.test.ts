/** Processes that want to listen at one path at the same moment: one does, the others are told. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { closeDescriptor } from './descriptors.ts';
import { whyUnavailable } from './libc.ts';
import { connectUnix, listenUnix } from './unix-socket.ts';

const skip = whyUnavailable() ?? false;
const PROCESSES = 4;
const ROUNDS = 40;
const PROGRAM = fileURLToPath(new URL('./test-listener.js', import.meta.url));

const next = async (child: ChildProcess): Promise<string> => (await once(child, 'message'))[0];
const nextOfAll = (children: readonly ChildProcess[]) => Promise.all(children.map(next));

test(`unix sockets: ${PROCESSES} processes at one path at once, ${ROUNDS} times: one listens`, { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vringbench-listen-'));
  const children = Array.from({ length: PROCESSES }, () => fork(PROGRAM));
  try {
    await nextOfAll(children);
    for (let round = 0; round < ROUNDS; round++) {
      const path = join(folder, `${round}.sock`);
      const go = join(folder, `${round}.go`);
      // What a process that died has left, or nothing.
      if (round % 4 > 0) closeDescriptor(listenUnix(path));
      const ready = nextOfAll(children);
      for (const child of children) child.send({ path, go });
      await ready;
      const outcomes = nextOfAll(children);
      writeFileSync(go, '');
      assert.deepEqual(
        (await outcomes).sort(),
        [...Array(PROCESSES - 1).fill('EADDRINUSE'), 'listening'],
        `round ${round}`,
      );
      // And what is at the path is the one that listens.
      closeDescriptor(connectUnix(path));
      const closed = nextOfAll(children);
      for (const child of children) child.send({ path: null, go });
      await closed;
      assert.ok(existsSync(path), 'the file is its owner’s to remove');
    }
  } finally {
    const ended = Promise.all(children.map((child) => once(child, 'exit')));
    for (const child of children) child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true });
  }
});
