/** The command `serve`, its frontends made of single messages over real sockets. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openLoopDevice } from '../../src/devices/test-loop-device.ts';
import { closeDescriptor } from '../../src/native/descriptors.ts';
import { addEventfd } from '../../src/native/eventfd.ts';
import { whyUnavailable } from '../../src/native/libc.ts';
import { leavingNoneOpen } from '../../src/native/test-leaks.ts';
import { acceptUnix, connectUnix, listenUnix } from '../../src/native/unix-socket.ts';
import { VRING_DESC_F_WRITE } from '../../src/ring/constants.ts';
import { offerEverywhere } from '../../src/vhost-user/backend/test-flood.ts';
import { TestFrontend, TestGuest, until } from '../../src/vhost-user/backend/test-frontend.ts';
import { SocketChannel } from '../../src/vhost-user/messages/socket-channel.ts';
import { main } from '../cli.ts';

const skip = whyUnavailable() ?? false;
const folder = mkdtempSync(join(tmpdir(), 'vringbench-serve-'));
after(() => rmSync(folder, { recursive: true }));

const image = join(folder, 'disk.img');
const SECTORS = 64;
const contents = Uint8Array.from({ length: 512 * SECTORS + 100 }, (_, i) => (i * 7 + (i >> 9)) & 0xff);
writeFileSync(image, contents);

const VERSION_1 = 1n << 32n;
const PROTOCOL_FEATURES = 1n << 30n;
const INDIRECT_DESC = 1n << 28n;
const REPLY_ACK = 1n << 3n;
const DATA = 65536;

interface Served {
  readonly socket: string;
  readonly out: string[];
  readonly err: string[];
  /** Interrupts the command: its exit code. */
  end(): Promise<number>;
}

let sockets = 0;

/** The command in this process, until it says that it listens. */
async function serve(kind: string, ...args: string[]): Promise<Served> {
  const socket = join(folder, `${sockets++}.sock`);
  const out: string[] = [];
  const err: string[] = [];
  const interruption = new AbortController();
  const console = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) };
  const code = main(['serve', kind, '--socket', socket, ...args], console, { signal: () => interruption.signal });
  await until(() => [...out, ...err].some((line) => /listening|connecting/.test(line)), 'the server to listen');
  return {
    socket,
    out,
    err,
    end: () => {
      interruption.abort();
      return code;
    },
  };
}

interface Exchange {
  readonly queue: number;
  readonly head: number;
  /** Written at DATA. */
  readonly sent?: readonly number[];
  readonly room?: number;
}

/** A guest of some queues, connected and set up; what it does ends with its connection. */
async function asGuest(
  queues: number,
  connection: number,
  body: (ask: (exchange: Exchange) => Promise<number[]>, guest: TestGuest) => Promise<void>,
): Promise<void> {
  const frontend = new TestFrontend(new SocketChannel(connection));
  const guest = new TestGuest(queues);
  try {
    await frontend.negotiate(VERSION_1 | PROTOCOL_FEATURES, REPLY_ACK);
    await frontend.setMemory(guest);
    for (let index = 0; index < queues; index++) await frontend.setUp(guest, index);
    await body(async ({ queue, head, sent = [], room = 0 }) => {
      guest.view.u8.set(sent, DATA);
      const { driver, kick } = guest.ring(queue);
      driver.writeChain(head, [
        ...(sent.length > 0 ? [{ offset: DATA, length: sent.length }] : []),
        ...(room > 0 ? [{ offset: DATA + 8192, length: room, flags: VRING_DESC_F_WRITE }] : []),
      ]);
      driver.offer(head);
      addEventfd(kick);
      const used = await guest.nextUsed(queue);
      assert.equal(used.id, head);
      return [...guest.view.u8.slice(DATA + 8192, DATA + 8192 + used.length)];
    }, guest);
    for (let index = 0; index < queues; index++) await frontend.stop(index);
  } finally {
    frontend.channel.close();
    guest.close();
  }
}

const header = (type: number, sector: number) => {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, type, true);
  new DataView(bytes.buffer).setUint32(8, sector, true);
  return [...bytes];
};
const OK = 0;
const sectorOf = (sector: number) => [...contents.subarray(512 * sector, 512 * sector + 512)];

for (const args of [[], ['--threads']])
  test(`serve blk ${args.join(' ')}: a block device is an image`, { skip }, async (context) => {
    const loop = openLoopDevice(folder, 2 ** 20);
    if (typeof loop === 'string') return context.skip(loop);
    try {
      const pattern = Array.from({ length: 512 }, (_, i) => i & 0xff);
      const served = await serve('blk', '--image', loop.path, ...args);
      await asGuest(1, connectUnix(served.socket), async (ask) => {
        const last = 2 ** 20 / 512 - 1;
        assert.deepEqual(await ask({ queue: 0, head: 0, sent: [...header(1, last), ...pattern], room: 1 }), [OK]);
        assert.deepEqual(await ask({ queue: 0, head: 0, sent: header(0, last), room: 513 }), [...pattern, OK]);
      });
      assert.equal(await served.end(), 0);
    } finally {
      loop.close();
    }
  });

for (const args of [[], ['--threads'], ['--threads', '--cpus', '0', '--poll-us', '50']])
  test(`serve blk ${args.join(' ')}: two queues read the image, two frontends in turn`, { skip }, () =>
    leavingNoneOpen(async () => {
      const served = await serve('blk', '--image', image, '--queues', '2', '--stats', ...args);
      for (let turn = 0; turn < 2; turn++)
        await asGuest(2, connectUnix(served.socket), async (ask) => {
          for (const queue of [0, 1])
            for (const sector of [queue, SECTORS - 1])
              assert.deepEqual(await ask({ queue, head: 0, sent: header(0, sector), room: 513 }), [
                ...sectorOf(sector),
                OK,
              ]);
        });
      await until(() => served.err.filter((line) => line === 'block: disconnected').length === 2, 'two ends');
      assert.equal(await served.end(), 0);
      assert.deepEqual(served.err.slice(0, 3), [
        `note: the last 100 bytes of ${image} are no whole sector: left out`,
        'block: connected',
        'block: disconnected',
      ]);
      assert.equal(served.out[0], `block: listening at ${served.socket}, 2 queues`);
      assert.match(
        served.out[1]!,
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +requests +unreadable +failed +bytes +kicks +calls +starts/,
      );
      for (const queue of [0, 1])
        assert.match(served.out.join('\n'), new RegExp(`^block queue ${queue} +4 +0 +0 +2,048 +\\d+ +\\d+ +2$`, 'm'));
      assert.equal(existsSync(served.socket), false);
    }),
  );

for (const [what, first, second, refused] of [
  ['two writers', [], [], /: another program has it open for writing$/],
  [
    'two writers in threads',
    ['--threads', '--queues', '2'],
    ['--threads'],
    /: another program has it open for writing$/,
  ],
  ['a reader beside a writer', [], ['--readonly'], /: another program has it open for writing$/],
  ['a writer beside a reader', ['--readonly'], [], /: another program has it open, and lets nobody else write it$/],
] as const)
  test(`serve blk: of ${what} of one image the second is refused`, { skip }, () =>
    leavingNoneOpen(async () => {
      const served = await serve('blk', '--image', image, ...first);
      const err: string[] = [];
      const console = { out: () => {}, err: (line: string) => err.push(line) };
      const args = ['--socket', join(folder, 'second.sock'), '--image', image, ...second];
      assert.equal(await main(['serve', 'blk', ...args], console), 2);
      assert.match(err.join('\n'), refused);
      assert.match(err.join('\n'), /--image .*disk\.img/);
      assert.equal(await served.end(), 0);
      await (await serve('blk', '--image', image, ...second)).end();
    }),
  );

test('serve: a path that another server listens at', { skip }, () =>
  leavingNoneOpen(async () => {
    const served = await serve('rng');
    const err: string[] = [];
    const console = { out: () => {}, err: (line: string) => err.push(line) };
    assert.equal(await main(['serve', 'rng', '--socket', served.socket], console), 2);
    assert.match(err.join('\n'), /--socket .*\.sock: another server listens there$/);
    assert.equal(await served.end(), 0);
  }),
);

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  test(`serve: ${signal} ends it, and nothing is left`, { skip }, async () => {
    const socket = join(folder, `${sockets++}.sock`);
    const program = fileURLToPath(new URL('../main.js', import.meta.url));
    const child = spawn(process.execPath, [program, 'serve', 'rng', '--socket', socket]);
    const ended = new Promise((resolve) => child.on('close', (...how) => resolve(how)));
    await until(() => existsSync(socket), 'the server to listen');
    child.kill(signal);
    assert.deepEqual(await ended, [0, null]);
    assert.equal(existsSync(socket), false);
  });

test('serve blk --readonly: a write is refused, the image stays', { skip }, () =>
  leavingNoneOpen(async () => {
    const served = await serve('blk', '--image', image, '--readonly');
    await asGuest(1, connectUnix(served.socket), async (ask) => {
      const sent = [...header(1, 0), ...Array(512).fill(0)];
      assert.deepEqual(await ask({ queue: 0, head: 0, sent, room: 1 }), [1]);
      assert.deepEqual(await ask({ queue: 0, head: 0, sent: header(0, 0), room: 513 }), [...sectorOf(0), OK]);
    });
    assert.equal(await served.end(), 0);
  }),
);

for (const args of [[], ['--threads']])
  test(`serve rng ${args.join(' ')}: bytes that differ`, { skip }, () =>
    leavingNoneOpen(async () => {
      const served = await serve('rng', ...args);
      await asGuest(1, connectUnix(served.socket), async (ask) => {
        const [one, two] = [await ask({ queue: 0, head: 0, room: 64 }), await ask({ queue: 0, head: 1, room: 64 })];
        assert.deepEqual([one.length, two.length], [64, 64]);
        assert.notDeepEqual(one, two);
      });
      assert.equal(await served.end(), 0);
    }),
  );

for (const [kind, sent, got] of [
  ['net', [...Array(12).fill(0), ...Array(60).keys()], [...Array(10).fill(0), 1, 0, ...Array(60).keys()]],
  ['console', [...Buffer.from('hello')], [...Buffer.from('hello')]],
] as const)
  test(`serve ${kind} --loopback: what the guest sends comes back`, { skip }, () =>
    leavingNoneOpen(async () => {
      const served = await serve(kind, '--loopback');
      await asGuest(2, connectUnix(served.socket), async (ask) => {
        const received = ask({ queue: 0, head: 0, room: 200 });
        await ask({ queue: 1, head: 0, sent });
        assert.deepEqual(await received, got);
      });
      assert.equal(await served.end(), 0);
      if (kind === 'console') assert.deepEqual(served.out, [], 'standard output is the guest’s');
    }),
  );

test('serve: a silent frontend gives way to one that waits, and standard error says so', { skip }, () =>
  leavingNoneOpen(async () => {
    const served = await serve('rng', '--handshake', '0.05');
    const silent = connectUnix(served.socket);
    await asGuest(1, connectUnix(served.socket), async (ask) => {
      assert.equal((await ask({ queue: 0, head: 0, room: 16 })).length, 16);
    });
    closeDescriptor(silent);
    assert.equal(await served.end(), 0);
    assert.deepEqual(served.err.slice(0, 3), [
      'entropy: connected',
      'entropy: another frontend waits: one is served at a time',
      'entropy: disconnected: SET_OWNER: the peer took too long (timed-out: 50)',
    ]);
  }),
);

test('serve: frontends that come and go without end are counted', { skip }, () =>
  leavingNoneOpen(async () => {
    const served = await serve('rng');
    for (let i = 0; i < 100; i++) {
      const frontend = new TestFrontend(new SocketChannel(connectUnix(served.socket)));
      assert.notEqual(await frontend.value({ request: 'GET_FEATURES' }), 0n);
      frontend.channel.close();
    }
    assert.equal(await served.end(), 0);
    assert.ok(served.err.length <= 22, `${served.err.length} lines`);
    const total = served.err.filter((line) => line === 'entropy: connected').length;
    const [, counted] = /(\d+) × connected/.exec(served.err.at(-1)!)!;
    // One that is still waited for, because its end was not seen yet, is told as well.
    assert.equal(total + Number(counted), 100);
  }),
);

test('serve --connect: the frontend listens', { skip }, () =>
  leavingNoneOpen(async () => {
    const served = await serve('rng', '--connect');
    const listener = listenUnix(served.socket);
    let connection = -1;
    await until(() => {
      if (connection < 0) connection = acceptUnix(listener);
      return connection >= 0;
    }, 'the server to connect');
    await asGuest(1, connection, async (ask) => {
      assert.equal((await ask({ queue: 0, head: 0, room: 16 })).length, 16);
    });
    closeDescriptor(listener);
    assert.equal(await served.end(), 0);
    assert.equal(served.out[0], `entropy: connecting to ${served.socket}, 1 queue`);
  }),
);

test('serve: a broken ring is said, the next frontend is served', { skip }, () =>
  leavingNoneOpen(async () => {
    const served = await serve('rng');
    await asGuest(1, connectUnix(served.socket), async (_ask, guest) => {
      const { driver, kick } = guest.ring(0);
      driver.offer(999);
      addEventfd(kick);
      await until(() => served.err.some((line) => /^entropy: queue 0 is broken: .*999/.test(line)), 'the line');
    });
    await asGuest(1, connectUnix(served.socket), async (ask) => {
      assert.equal((await ask({ queue: 0, head: 0, room: 16 })).length, 16);
    });
    assert.equal(await served.end(), 0);
  }),
);

test('serve console: standard input and output are the guest’s; it ends by a signal', { skip }, async () => {
  const socket = join(folder, `${sockets++}.sock`);
  const program = fileURLToPath(new URL('../main.js', import.meta.url));
  const child = spawn(process.execPath, [program, 'serve', 'console', '--socket', socket]);
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => {
    out += data;
  });
  child.stderr.on('data', (data) => {
    err += data;
  });
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve([code, signal])));
  await until(() => err.includes('listening'), 'the server to listen');
  await asGuest(2, connectUnix(socket), async (ask) => {
    const received = ask({ queue: 0, head: 0, room: 100 });
    child.stdin.write('typed');
    assert.equal(Buffer.from(await received).toString(), 'typed');
    await ask({ queue: 1, head: 0, sent: [...Buffer.from('printed\n')] });
    await until(() => out.length > 0, 'the output');
  });
  assert.equal(out, 'printed\n');
  // Standard input is still open, with something that nobody reads: it must not keep the program.
  child.stdin.write('left over');
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});

test('serve console: output of gigabytes that nothing holds back; a signal ends it all the same', {
  skip,
}, async () => {
  const socket = join(folder, `${sockets++}.sock`);
  const program = fileURLToPath(new URL('../main.js', import.meta.url));
  // A file takes whatever it is given.
  const nowhere = openSync('/dev/null', 'w');
  const child = spawn(process.execPath, [program, 'serve', 'console', '--socket', socket], {
    stdio: ['ignore', nowhere, 'pipe'],
  });
  closeSync(nowhere);
  let err = '';
  child.stderr!.on('data', (data) => {
    err += data;
  });
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve([code, signal])));
  await until(() => err.includes('listening'), 'the server to listen');
  const frontend = new TestFrontend(new SocketChannel(connectUnix(socket)));
  const guest = new TestGuest(2);
  try {
    await frontend.negotiate(VERSION_1 | PROTOCOL_FEATURES | INDIRECT_DESC, REPLY_ACK);
    await frontend.setMemory(guest);
    await frontend.setUp(guest, 1);
    // 16 requests of 500 MiB each.
    offerEverywhere(guest, 1, { count: 1000, write: false });
    for (let i = 0; i < 5; i++) assert.equal(await frontend.value({ request: 'GET_QUEUE_NUM' }), 2n);
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
    let done = 0;
    while (guest.ring(1).driver.readUsed() !== null) done++;
    assert.ok(done < 16, 'not all were done first');
  } finally {
    child.kill('SIGKILL');
    frontend.channel.close();
    guest.close();
  }
});

const SOCKET = ['--socket', join(folder, 'never.sock')];
const wrong: [args: string[], message: RegExp][] = [
  [[], /^serve wants one of blk, net, rng, console$/],
  [['bkl'], /^serve wants one of .*, not 'bkl'; did you mean blk\?$/],
  [['rng', 'net', ...SOCKET], /^unexpected argument 'net'$/],
  [['rng'], /^serve rng wants --socket PATH$/],
  [['blk', ...SOCKET], /^serve blk wants --image FILE$/],
  [['rng', ...SOCKET, '--image', image], /^--image is no option of serve rng$/],
  [['net', ...SOCKET, '--loopback', '--threads'], /^--threads is no option of serve net$/],
  [['blk', ...SOCKET, '--image', image, '--queues', '0'], /^--queues wants 1 to 64, not 0$/],
  [['net', ...SOCKET], /^serve net wants --tap NAME or --loopback$/],
  [['net', ...SOCKET, '--tap', 'a', '--loopback'], /^serve net wants --tap NAME or --loopback, not both$/],
  [['net', ...SOCKET, '--loopback', '--address', '192.0.2.1/24'], /^--address wants --tap, too$/],
  [['net', ...SOCKET, '--tap', 'a', '--address', '192.0.2.1'], /^--address wants .*, not '192\.0\.2\.1'$/],
  [['net', ...SOCKET, '--tap', 'a', '--address', '1.2.3.400/24'], /^--address wants .*, not '1\.2\.3\.400\/24'$/],
  [['net', ...SOCKET, '--tap', 'a', '--address', '1.2.3.4/33'], /^--address wants .*, not '1\.2\.3\.4\/33'$/],
  [['net', ...SOCKET, '--tap', 'sixteen-letters-'], /^--tap wants a name of 1 to 15 characters/],
  [['net', ...SOCKET, '--loopback', '--mac', '52:54'], /^--mac wants .*, not '52:54'$/],
  [['net', ...SOCKET, '--loopback', '--mac', '01:00:5e:00:00:01'], /^--mac wants the address of one card/],
  [['net', ...SOCKET, '--loopback', '--mtu', '67'], /^--mtu wants 68 to 65535, not 67$/],
  [['rng', ...SOCKET, '--cpus', 'all'], /^--cpus wants CPU numbers like 0,2 or 0-3, not 'all'$/],
  [['rng', ...SOCKET, '--cpus', '0-4096'], /^--cpus CPU 4096 is not among those allowed here: /],
  [['rng', ...SOCKET, '--handshake', '0'], /^--handshake wants seconds above 0, up to 86400, not '0'$/],
  [['rng', ...SOCKET, '--stats', 'often'], /^--stats wants seconds/],
  [['rng', ...SOCKET, '--polls', '1'], /^unknown argument '--polls'/],
];
const cannot: [args: string[], message: RegExp][] = [
  [['blk', ...SOCKET, '--image', join(folder, 'none.img')], /^--image .*none\.img: ENOENT/],
  [['blk', ...SOCKET, '--image', join(folder, 'none.img'), '--threads'], /^--image .*none\.img: ENOENT/],
  [['blk', ...SOCKET, '--image', folder], /^--image .*: EISDIR/],
  [['rng', '--socket', join(folder, 'no', 'such.sock')], /^--socket .*such\.sock: ENOENT/],
  [['rng', '--socket', image], /^--socket .*disk\.img: exists and is no socket$/],
  [['rng', '--socket', folder], /^--socket .*: exists and is no socket$/],
];
for (const [args, message, skipped] of [
  ...wrong.map((row) => [...row, false] as const),
  ...cannot.map((row) => [...row, skip] as const),
])
  test(`serve refuses: ${args.join(' ').replaceAll(folder, 'FOLDER')}`, { skip: skipped }, async () => {
    const err: string[] = [];
    const code = await main(['serve', ...args], { out: () => {}, err: (line) => err.push(line) });
    assert.equal(code, 2);
    assert.equal(err.length, 1);
    assert.match(err[0]!.replace(/^vringbench: /, ''), message);
    assert.doesNotMatch(err[0]!, /\n/);
  });

test('serve --help', async () => {
  const out: string[] = [];
  assert.equal(await main(['serve', '--help'], { out: (line) => out.push(line), err: () => {} }), 0);
  assert.match(out.join('\n'), /vringbench serve.*blk.*--socket PATH.*Examples.*Exit codes/s);
});
