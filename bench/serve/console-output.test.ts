/** `serve console` whose standard output is not read, or cannot be written: a process, and a guest that says a lot. */
import assert from 'node:assert/strict';
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { addEventfd } from '../../src/native/eventfd.ts';
import { whyUnavailable } from '../../src/native/libc.ts';
import { connectUnix } from '../../src/native/unix-socket.ts';
import { TestFrontend, TestGuest, until } from '../../src/vhost-user/backend/test-frontend.ts';
import { SocketChannel } from '../../src/vhost-user/messages/socket-channel.ts';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const skip = whyUnavailable() ?? false;
const folder = mkdtempSync(join(tmpdir(), 'serve-output-'));
after(() => rmSync(folder, { recursive: true }));
let sockets = 0;

const TRANSMIT = 1;
/** In one go: more than a pipe and the streams at its ends hold. */
const HEADS = 16;
const HEAD_BYTES = 60_000;
const DATA = 65536;
/** Of a process that does not end: it is killed. */
const BOUND_MS = 60_000;

interface Console {
  readonly child: ChildProcess;
  readonly ended: Promise<number | NodeJS.Signals | null>;
  errors(): string;
  /** Requests that the device has finished. */
  used(): number;
}

/** The command with this output, and a guest that has given it `HEADS` requests. */
async function withConsole(output: 'pipe' | number, body: (console: Console) => Promise<void>): Promise<void> {
  const socket = join(folder, `${sockets++}.sock`);
  const stdio: StdioOptions = ['pipe', output, 'pipe'];
  const child = spawn(process.execPath, [MAIN, 'serve', 'console', '--socket', socket], { stdio });
  const timer = setTimeout(() => child.kill('SIGKILL'), BOUND_MS);
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.on('exit', (code, signal) => resolve(code ?? signal)),
  );
  let errors = '';
  child.stderr!.on('data', (data) => {
    errors += data;
  });
  const guest = new TestGuest(2);
  try {
    await until(() => errors.includes('listening'), 'the server to listen');
    const frontend = new TestFrontend(new SocketChannel(connectUnix(socket)));
    try {
      await frontend.negotiate((1n << 32n) | (1n << 30n), 1n << 3n);
      await frontend.setMemory(guest);
      for (const index of [0, TRANSMIT]) await frontend.setUp(guest, index);
      const { driver, kick } = guest.ring(TRANSMIT);
      for (let head = 0; head < HEADS; head++) {
        driver.writeChain(head, [{ offset: DATA, length: HEAD_BYTES }]);
        driver.offer(head);
      }
      addEventfd(kick);
      let used = 0;
      await body({
        child,
        ended,
        errors: () => errors,
        used: () => {
          while (driver.readUsed() !== null) used++;
          return used;
        },
      });
    } finally {
      frontend.channel.close();
    }
  } finally {
    child.kill('SIGKILL');
    clearTimeout(timer);
    await ended;
    guest.close();
  }
}

const warning = /^Failed to write console output, ignoring it\. \(.*\)$/gm;

/** These wait far more than they compute. */
suite('serve console: output', { concurrency: 3 }, () => {
  test('serve console: output that cannot be written is told of once, and the guest goes on', { skip }, async () => {
    const full = openSync('/dev/full', 'w');
    try {
      await withConsole(full, async ({ child, ended, errors, used }) => {
        await until(() => used() === HEADS, 'all requests');
        child.kill('SIGTERM');
        assert.equal(await ended, 1);
        assert.equal(errors().match(warning)?.length, 1, errors());
        assert.equal(errors().match(/ENOSPC/g)?.length, 1, errors());
      });
    } finally {
      closeSync(full);
    }
  });

  test('serve console: a reader that has left is told of once, and the guest goes on', { skip }, () =>
    withConsole('pipe', async ({ child, ended, errors, used }) => {
      child.stdout!.destroy();
      await until(() => used() === HEADS, 'all requests');
      child.kill('SIGTERM');
      assert.equal(await ended, 0);
      assert.equal(errors().match(warning)?.length, 1, errors());
    }),
  );

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    test(`serve console: ${signal} ends it though nothing reads its output`, { skip }, () =>
      withConsole('pipe', async ({ child, ended, used }) => {
        // Nothing is read but what the pipe's other end takes by itself.
        await until(() => used() >= 2, 'the pipe to be filled');
        child.kill(signal);
        assert.equal(await ended, 0);
      }),
    );
});
