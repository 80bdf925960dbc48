import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { closeDescriptor } from './descriptors.ts';
import { addEventfd, openEventfd, takeEventfd } from './eventfd.ts';
import { whyUnavailable } from './libc.ts';
import { openMemfd } from './memfd.ts';
import { ODD_DESCRIPTORS } from './odd-descriptors.ts';
import { waitReadable } from './poll.ts';
import { isInherited, leavingNoneOpen, openDescriptors } from './test-leaks.ts';
import {
  acceptUnix,
  connectUnix,
  listenUnix,
  RECEIVE_DESCRIPTORS_MAX,
  receiveBytes,
  SEND_DESCRIPTORS_MAX,
  sendBytes,
  shutdownSocket,
  socketPair,
} from './unix-socket.ts';

const skip = whyUnavailable() ?? false;

const folder = mkdtempSync(join(tmpdir(), 'vringbench-'));
after(() => rmSync(folder, { recursive: true }));
let paths = 0;
const newPath = () => join(folder, `socket-${paths++}`);

function withPair(body: (here: number, there: number) => void): Promise<void> {
  return leavingNoneOpen(() => {
    const pair = socketPair();
    try {
      body(...pair);
    } finally {
      for (const socket of pair) closeDescriptor(socket);
    }
  });
}

const send = (socket: number, text: string, descriptors: number[] = []) =>
  sendBytes(socket, Buffer.from(text), 0, Buffer.byteLength(text), descriptors);

function receive(socket: number, length = 1000): { received: number; text: string; descriptors: number[] } {
  const bytes = new Uint8Array(length);
  const descriptors: number[] = [];
  const received = receiveBytes(socket, bytes, 0, length, descriptors);
  return { received, text: Buffer.from(bytes.subarray(0, Math.max(received, 0))).toString(), descriptors };
}

test('native unix socket: a pair carries bytes both ways, in pieces as asked for', { skip }, () =>
  withPair((here, there) => {
    assert.equal(send(here, 'hello'), 5);
    assert.equal(send(there, 'you'), 3);
    assert.equal(receive(there, 2).text, 'he');
    assert.equal(receive(there).text, 'llo');
    assert.equal(receive(there).received, -1);
    assert.equal(receive(here).text, 'you');
  }),
);

test('native unix socket: bytes go from and to where they are said to be, and nowhere else', { skip }, () =>
  withPair((here, there) => {
    assert.equal(sendBytes(here, Uint8Array.of(9, 1, 2, 9), 1, 2, []), 2);
    const into = new Uint8Array(6).fill(7);
    assert.equal(receiveBytes(there, into, 2, 3, []), 2);
    assert.deepEqual([...into], [7, 7, 1, 2, 7, 7]);
  }),
);

const outside: [offset: number, length: number][] = [
  [0, 0],
  [0, -1],
  [-1, 2],
  [0, 5],
  [4, 1],
];
for (const [offset, length] of outside)
  test(`native unix socket: ${length} bytes at ${offset} of 4 are refused`, { skip }, () =>
    withPair((here, there) => {
      const bytes = new Uint8Array(4);
      const wrong = new RangeError(`bytes ${offset} + ${length} of 4`);
      assert.throws(() => sendBytes(here, bytes, offset, length, []), wrong);
      assert.throws(() => receiveBytes(there, bytes, offset, length, []), wrong);
    }),
  );

test('native unix socket: a full socket takes what it has room for, then nothing, and descriptors stay', { skip }, () =>
  withPair((here, there) => {
    const bytes = new Uint8Array(100_000).map((_, i) => i % 251);
    let sent = 0;
    for (let i = 0; i < 1000; i++) {
      const more = sendBytes(here, bytes, sent % 1000, 90_000, []);
      if (more < 0) break;
      assert.ok(more > 0 && more <= 65536, `${more} bytes at once`);
      sent += more;
    }
    assert.equal(sendBytes(here, bytes, 0, 1, [here]), -1);
    let received = 0;
    for (let came = receive(there, 65536); came.received > 0; came = receive(there, 65536)) {
      assert.deepEqual(came.descriptors, []);
      received += came.received;
    }
    assert.equal(received, sent);
    assert.equal(sendBytes(here, bytes, 0, 1, []), 1);
  }),
);

for (const count of [1, 8, RECEIVE_DESCRIPTORS_MAX])
  test(`native unix socket: ${count} descriptors arrive in order with the first byte`, { skip }, () =>
    withPair((here, there) => {
      const files = Array.from({ length: count }, (_, i) => openMemfd('passed', i + 1));
      assert.equal(send(here, 'with', files), 4);
      for (const file of files) closeDescriptor(file);
      const { text, descriptors } = receive(there, 1);
      assert.equal(text, 'w');
      assert.deepEqual(
        descriptors.map((descriptor) => fstatSync(descriptor).size),
        Array.from({ length: count }, (_, i) => i + 1),
      );
      assert.deepEqual(descriptors.filter(isInherited), []);
      assert.deepEqual(receive(there).descriptors, []);
      for (const descriptor of descriptors) closeDescriptor(descriptor);
    }),
  );

test('native unix socket: descriptors of two messages are not mixed', { skip }, () =>
  withPair((here, there) => {
    const [first, second] = [openMemfd('first', 1), openMemfd('second', 2)];
    send(here, 'a', [first]);
    send(here, 'b', [second]);
    const descriptors: number[] = [];
    const bytes = new Uint8Array(10);
    for (let i = 0; i < 2; i++) assert.equal(receiveBytes(there, bytes, i, 10 - i, descriptors), 1);
    assert.deepEqual(
      descriptors.map((descriptor) => fstatSync(descriptor).size),
      [1, 2],
    );
    for (const descriptor of [first, second, ...descriptors]) closeDescriptor(descriptor);
  }),
);

for (const count of [RECEIVE_DESCRIPTORS_MAX + 1, SEND_DESCRIPTORS_MAX])
  test(`native unix socket: ${count} descriptors are an error and all closed`, { skip }, () =>
    withPair((here, there) => {
      send(here, 'many', Array(count).fill(here));
      const before = openDescriptors();
      assert.throws(() => receive(there), { code: 'EMSGSIZE', message: /cut off after 3[23]: more than 32/ });
      assert.equal(openDescriptors(), before);
    }),
  );

test('native unix socket: more descriptors than the kernel passes are refused before it', { skip }, () =>
  withPair((here) => {
    const many = Array(SEND_DESCRIPTORS_MAX + 1).fill(here);
    assert.throws(() => send(here, 'x', many), new RangeError('254 descriptors, 253 at most'));
  }),
);

test('native unix socket: descriptors that this process may not open are an error, and none is left', { skip }, () => {
  const program = `
    import { readdirSync } from 'node:fs';
    const { socketPair, sendBytes, receiveBytes } = await import(${JSON.stringify(new URL('./unix-socket.js', import.meta.url).href)});
    const { duplicateDescriptor, closeDescriptor } = await import(${JSON.stringify(new URL('./descriptors.js', import.meta.url).href)});
    const [here, there] = socketPair();
    sendBytes(here, new Uint8Array(1), 0, 1, [here, here, here]);
    const filled = [];
    try {
      for (;;) filled.push(duplicateDescriptor(here));
    } catch {}
    closeDescriptor(filled.pop());
    const came = [];
    let code = 'none';
    try {
      receiveBytes(there, new Uint8Array(1), 0, 1, came);
    } catch (error) {
      code = error.code;
    }
    filled.push(duplicateDescriptor(here));
    console.log(code, came.length);
  `;
  const shell = 'ulimit -n 100; exec "$0" --input-type=module -e "$1"';
  assert.equal(execFileSync('sh', ['-c', shell, process.execPath, program], { encoding: 'utf8' }), 'EMSGSIZE 0\n');
});

test('native unix socket: the end, and sending to a peer that is gone', { skip }, () =>
  leavingNoneOpen(() => {
    const [here, there] = socketPair();
    send(there, 'last');
    closeDescriptor(there);
    assert.equal(receive(here).text, 'last');
    assert.equal(receive(here).received, 0);
    assert.throws(() => send(here, 'x'), { code: 'EPIPE', syscall: 'sendmsg' });
    closeDescriptor(here);
  }),
);

test('native unix socket: a peer that closed without reading is ECONNRESET', { skip }, () =>
  leavingNoneOpen(() => {
    const [here, there] = socketPair();
    send(here, 'unread');
    closeDescriptor(there);
    assert.throws(() => receive(here), { code: 'ECONNRESET', syscall: 'recvmsg' });
    closeDescriptor(here);
  }),
);

test('native unix socket: shut down, both sides see the end', { skip }, () =>
  withPair((here, there) => {
    shutdownSocket(here);
    assert.equal(receive(there).received, 0);
    assert.equal(receive(here).received, 0);
    shutdownSocket(there);
  }),
);

test('native unix socket: calls on what is no socket name themselves', { skip }, () =>
  leavingNoneOpen(() => {
    const descriptor = openEventfd();
    assert.throws(() => send(descriptor, 'x'), { code: 'ENOTSOCK', syscall: 'sendmsg' });
    assert.throws(() => receive(descriptor), { code: 'ENOTSOCK', syscall: 'recvmsg' });
    assert.throws(() => acceptUnix(descriptor), { code: 'ENOTSOCK', syscall: 'accept4' });
    assert.throws(() => shutdownSocket(descriptor), { code: 'ENOTSOCK', syscall: 'shutdown' });
    closeDescriptor(descriptor);
  }),
);

test('native unix socket: who listens accepts who connects, and nothing while nobody does', { skip }, () =>
  leavingNoneOpen(() => {
    const path = newPath();
    const listener = listenUnix(path);
    assert.equal(acceptUnix(listener), -1);
    const clients = [connectUnix(path), connectUnix(path)];
    const accepted = [acceptUnix(listener), acceptUnix(listener)];
    assert.equal(acceptUnix(listener), -1);
    const eventfd = openEventfd();
    send(clients[1]!, 'second', [eventfd]);
    const { text, descriptors } = receive(accepted[1]!);
    assert.equal(text, 'second');
    addEventfd(descriptors[0]!);
    assert.equal(takeEventfd(eventfd), true);
    for (const descriptor of [listener, ...clients, ...accepted, ...descriptors, eventfd]) closeDescriptor(descriptor);
  }),
);

test('native unix socket: a path that is listened at is refused; what was left there is replaced', { skip }, () =>
  leavingNoneOpen(() => {
    const path = newPath();
    const first = listenUnix(path);
    assert.throws(() => listenUnix(path), { code: 'EADDRINUSE', syscall: 'bind' });
    closeDescriptor(connectUnix(path));
    closeDescriptor(first);
    assert.equal(existsSync(path), true);
    assert.throws(() => connectUnix(path), { code: 'ECONNREFUSED', syscall: 'connect' });
    const second = listenUnix(path);
    closeDescriptor(connectUnix(path));
    closeDescriptor(second);
  }),
);

test('native unix socket: an ordinary file is not replaced', { skip }, () =>
  leavingNoneOpen(() => {
    const path = newPath();
    writeFileSync(path, 'mine');
    assert.throws(() => listenUnix(path), { code: 'EADDRINUSE' });
    assert.equal(readFileSync(path, 'utf8'), 'mine');
  }),
);

test('native unix socket: more connections than may wait are EAGAIN, not a wait', { skip }, () =>
  leavingNoneOpen(() => {
    const path = newPath();
    const open = [listenUnix(path)];
    assert.throws(
      () => {
        for (let i = 0; i < 1000; i++) open.push(connectUnix(path));
      },
      { code: 'EAGAIN' },
    );
    for (const descriptor of open) closeDescriptor(descriptor);
  }),
);

const wrongPaths: [what: string, path: string, code: string][] = [
  ['empty', '', 'EINVAL'],
  ['with a zero', '/tmp/a\0b', 'EINVAL'],
  ['too long', `/tmp/${'x'.repeat(103)}`, 'ENAMETOOLONG'],
  ['too long in bytes', `/tmp/${'ü'.repeat(52)}`, 'ENAMETOOLONG'],
  ['in no folder', '/nowhere/at/all', 'ENOENT'],
];
for (const [what, path, code] of wrongPaths)
  test(`native unix socket: a path ${what} is ${code}`, { skip }, () =>
    leavingNoneOpen(() => {
      assert.throws(() => listenUnix(path), { code, syscall: 'bind' });
      assert.throws(() => connectUnix(path), { code, syscall: 'connect' });
    }),
  );

test('native unix socket: the longest path there is', { skip }, () => {
  const path = join(folder, 'x'.repeat(106 - folder.length));
  assert.equal(path.length, 107);
  const listener = listenUnix(path);
  closeDescriptor(connectUnix(path));
  closeDescriptor(listener);
});

test('native unix socket: no socket is inherited by a child', { skip }, () =>
  withPair((here, there) => {
    const path = newPath();
    const [listener, client] = [listenUnix(path), connectUnix(path)];
    const accepted = acceptUnix(listener);
    assert.deepEqual([here, there, listener, client, accepted].filter(isInherited), []);
    for (const descriptor of [listener, client, accepted]) closeDescriptor(descriptor);
  }),
);

test('native unix socket: a wait for a message ends when it comes', { skip }, () =>
  withPair((here, there) => {
    assert.equal(waitReadable(there, 0), false);
    send(here, 'x');
    assert.equal(waitReadable(there, 60_000), true);
  }),
);

test('native unix socket: a file passed is the file itself', { skip }, () =>
  withPair((here, there) => {
    const file = openSync(process.execPath, 'r');
    send(here, 'x', [file]);
    const { descriptors } = receive(there);
    assert.equal(fstatSync(descriptors[0]!).ino, fstatSync(file).ino);
    for (const descriptor of [file, ...descriptors]) closeDescriptor(descriptor);
  }),
);

test('native unix socket: collections between calls move nothing that libc was told of', { skip }, () =>
  withPair((here, there) => {
    const rubbish: Uint8Array[] = [];
    for (let i = 0; i < 20_000; i++) {
      const text = `message ${i}`;
      send(here, text, i % 10 === 0 ? [here] : []);
      rubbish[i % 100] = new Uint8Array(1000 + (i % 1000)).fill(255);
      const came = receive(there);
      for (const descriptor of came.descriptors) closeDescriptor(descriptor);
      assert.equal(came.text, text);
      assert.equal(came.descriptors.length, i % 10 === 0 ? 1 : 0);
    }
  }),
);

test('native sockets: one that blocks, as a peer may send it, blocks nobody', { skip, timeout: 60_000 }, () => {
  for (const [kind, call] of [
    ['a socket that is full and blocks', (socket: number) => sendBytes(socket, new Uint8Array(1), 0, 1, [])],
    ['a socket', (socket: number) => receiveBytes(socket, new Uint8Array(1), 0, 1, [])],
  ] as const) {
    const { descriptor, close } = ODD_DESCRIPTORS[kind]();
    try {
      assert.equal(call(descriptor), -1, kind);
    } finally {
      close();
    }
  }
});
