import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { closeDescriptor } from './descriptors.ts';
import { FaultGuard } from './fault-guard.ts';
import { waitReadable } from './poll.ts';
import { leavingNoneOpen } from './test-leaks.ts';
import { SIZE, Toucher, whyNoUserfaultfd } from './test-toucher.ts';
import { socketPair } from './unix-socket.ts';
import { openUserfaultfd, registerMissing, takeFault } from './userfaultfd.ts';

const skip = whyNoUserfaultfd();
/** Of a test that waits for what does not come. */
const timeout = 60_000;
const FAULT_WITHIN_MS = 30_000;

interface Guarded {
  readonly guard: FaultGuard;
  readonly userfaultfd: number;
  readonly toucher: Toucher;
  readonly address: number;
  /** Closes the peer's end. */
  hangUp(): void;
}

/** With a thread that touches guarded memory. The userfaultfd is open until the end, as if a peer had a copy. */
function withGuard(body: (guarded: Guarded) => Promise<void>): Promise<void> {
  return leavingNoneOpen(async () => {
    const [own, peer] = socketPair();
    const userfaultfd = openUserfaultfd();
    const toucher = new Toucher();
    const address = await toucher.next();
    const guard = await FaultGuard.start({ socket: own, userfaultfd, rangesMax: 2 });
    let isUp = true;
    const hangUp = () => {
      if (isUp) closeDescriptor(peer);
      isUp = false;
    };
    guard.add(address, SIZE);
    registerMissing(userfaultfd, address, SIZE);
    try {
      await body({ guard, userfaultfd, toucher, address, hangUp });
    } finally {
      await guard.end();
      hangUp();
      closeDescriptor(userfaultfd);
      await toucher.end();
      closeDescriptor(own);
    }
  });
}

function sleeps({ userfaultfd, address }: Guarded): void {
  assert.ok(waitReadable(userfaultfd, FAULT_WITHIN_MS));
  assert.equal(takeFault(userfaultfd), address);
}

test(
  'native fault guard: the end of the peer wakes a thread that sleeps in a fault, and nothing sleeps after',
  {
    skip,
    timeout,
  },
  () =>
    withGuard(async (guarded) => {
      const { toucher, address, userfaultfd, hangUp } = guarded;
      const answer = toucher.touch(0);
      sleeps(guarded);
      hangUp();
      assert.equal(await answer, 0);
      // Registered again, by whoever has it.
      registerMissing(userfaultfd, address, SIZE);
      assert.equal(await toucher.touch(1), 0);
    }),
);

test('native fault guard: its own end wakes, too', { skip, timeout }, () =>
  withGuard(async (guarded) => {
    const { guard, toucher } = guarded;
    const answer = toucher.touch(0);
    sleeps(guarded);
    void guard.end();
    assert.equal(await answer, 0);
  }),
);

test('native fault guard: as many ranges as were said, and no more', { skip, timeout }, () =>
  withGuard(async ({ guard, address }) => {
    guard.add(address + SIZE, SIZE);
    assert.throws(() => guard.add(address + 2 * SIZE, SIZE), { message: 'more than 2 ranges' });
    guard.remove(address + SIZE);
    guard.add(address + 2 * SIZE, SIZE);
  }),
);

const urlOf = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);

/** A process whose main thread touches a page that its peer, which lives, never serves. */
const SLEEPER = `
(async () => {
  const { writeSync } = await import('node:fs');
  const { FaultGuard } = await import(${urlOf('./fault-guard.js')});
  const { mapFile } = await import(${urlOf('./mapping.js')});
  const { openMemfd } = await import(${urlOf('./memfd.js')});
  const { socketPair } = await import(${urlOf('./unix-socket.js')});
  const { openUserfaultfd, registerMissing } = await import(${urlOf('./userfaultfd.js')});
  const { buffer, address } = mapFile(openMemfd('withheld', 4096), { offsetBytes: 0, sizeBytes: 4096 });
  const userfaultfd = openUserfaultfd();
  if (process.argv[1] === 'listens') process.once('SIGTERM', () => process.exit(0));
  const [socket] = socketPair();
  const guard = await FaultGuard.start({ socket, userfaultfd, rangesMax: 1 });
  guard.add(address, 4096);
  registerMissing(userfaultfd, address, 4096);
  if (process.argv[2] === 'sleeps') {
    writeSync(1, 'ready');
    writeSync(1, String(new Uint8Array(buffer)[0]));
  } else {
    setInterval(() => {}, 1000);
    writeSync(1, 'ready');
  }
})();
`;

const ends: [listens: string, sleeps: string, code: number | null, signal: string | null][] = [
  ['listens', 'sleeps', 1, null],
  ['listens', 'is awake', 0, null],
  ['does not listen', 'sleeps', null, 'SIGTERM'],
];
for (const [listens, sleeps, code, signal] of ends)
  test(`native fault guard: SIGTERM ends a process that ${listens} and ${sleeps}`, { skip, timeout }, async () => {
    const child = spawn(process.execPath, ['-e', SLEEPER, listens, sleeps], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const ended = once(child, 'exit');
      assert.equal(String(await Promise.race([once(child.stdout, 'data'), ended])), 'ready');
      child.kill('SIGTERM');
      assert.deepEqual(await ended, [code, signal]);
    } finally {
      child.kill('SIGKILL');
    }
  });
