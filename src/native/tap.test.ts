import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { addToBridge, bringUp, setHardwareAddress, setIpv4Address } from './network-interface.ts';
import { openTap } from './tap.ts';
import { leavingNoneOpen } from './test-leaks.ts';
import { whyNoTap } from './test-tap.ts';

const skip = whyNoTap();

const urlOf = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);

/** What a program prints that runs in a network of its own: nothing of it is seen on the machine, or left there. */
const printsInItsNetwork = (program: string): string =>
  execFileSync(
    'unshare',
    [
      '--net',
      process.execPath,
      '--input-type=module',
      '-e',
      `
        import assert from 'node:assert/strict';
        import { existsSync, readFileSync } from 'node:fs';
        import { networkInterfaces } from 'node:os';
        import { openTap } from ${urlOf('./tap.js')};
        import { addToBridge, bringUp, setHardwareAddress, setIpv4Address } from ${urlOf('./network-interface.js')};
        import { waitReadable } from ${urlOf('./poll.js')};
        import { threadWatcher } from ${urlOf('./watcher.js')};
        ${program}
      `,
    ],
    { encoding: 'utf8', timeout: 60_000 },
  );

/** Somebody at the other end of the wire asks who has the machine's address, and hears the machine's answer. */
const ASKS = `
  const OURS = [0x02, 0, 0, 0, 0, 0x99];
  const MACHINE = [0x02, 0, 0, 0, 0, 0x01];
  const question = (header) => Uint8Array.of(
    ...new Uint8Array(header),
    ...[255, 255, 255, 255, 255, 255], ...OURS, 0x08, 0x06,
    0, 1, 8, 0, 6, 4, 0, 1, ...OURS, 192, 0, 2, 2, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1,
  );
  /** The machine sends frames of its own, too. */
  function nextAnswer(tap, header) {
    const frame = new Uint8Array(65_550);
    for (let i = 0; i < 1000; i++) {
      const length = tap.receive(frame);
      if (length < 0) assert.ok(waitReadable(tap.descriptor, 30_000), 'no answer');
      else if (frame[header + 12] === 0x08 && frame[header + 13] === 0x06) return [...frame.subarray(header, length)];
    }
  }
  function prepared(name, options) {
    const tap = openTap(name, options);
    setHardwareAddress(tap.name, Uint8Array.from(MACHINE));
    setIpv4Address(tap.name, '192.0.2.1/24');
    bringUp(tap.name);
    return tap;
  }
`;

for (const headerSizeBytes of [0, 10, 12])
  test(`native tap: frames go both ways, with ${headerSizeBytes} bytes before each`, { skip }, () => {
    const printed = printsInItsNetwork(`
      ${ASKS}
      const header = ${headerSizeBytes};
      const tap = prepared('mytap', { headerSizeBytes: header });
      assert.equal(tap.name, 'mytap');
      const frame = question(header);
      assert.equal(tap.send(frame, frame.length), true);
      const answer = nextAnswer(tap, header);
      assert.deepEqual(answer.slice(0, 14), [...OURS, ...MACHINE, 0x08, 0x06]);
      assert.deepEqual(answer.slice(20, 32), [0, 2, ...MACHINE, 192, 0, 2, 1]);
      assert.equal(tap.refusedFrames, 0);
      tap.close();
      assert.equal(existsSync('/sys/class/net/mytap') || 'mytap' in networkInterfaces(), false);
      console.log('answered');
    `);
    assert.equal(printed, 'answered\n');
  });

test('native tap: the watcher tells of frames', { skip }, () => {
  const printed = printsInItsNetwork(`
    ${ASKS}
    const tap = prepared('mytap');
    const watcher = threadWatcher();
    const frame = new Uint8Array(65_550);
    watcher.watch(tap.descriptor, () => {
      const length = tap.receive(frame);
      if (frame[12] !== 0x08 || frame[13] !== 0x06) return;
      console.log('a frame of', length);
      watcher.unwatch(tap.descriptor);
      tap.close();
    });
    watcher.watchWritable(tap.descriptor, () => {
      watcher.unwatchWritable(tap.descriptor);
      tap.send(question(0), question(0).length);
    });
  `);
  assert.equal(printed, 'a frame of 42\n');
});

test('native tap: what the interface refuses is counted, and nothing fails', { skip }, () => {
  const printed = printsInItsNetwork(`
    ${ASKS}
    const down = openTap('down');
    assert.equal(down.send(question(0), 42), true);
    assert.equal(down.refusedFrames, 1);
    assert.equal(down.receive(new Uint8Array(100)), -1);
    const tap = prepared('');
    for (const length of [0, 1, 13]) assert.equal(tap.send(question(0), length), true);
    assert.ok(tap.refusedFrames >= 2);
    assert.throws(() => tap.send(question(0), 43), new RangeError('a frame of 43 bytes of 42'));
    tap.send(question(0), 42);
    assert.equal(nextAnswer(tap, 0).length, 42);
    tap.close();
    assert.throws(() => tap.receive(new Uint8Array(100)), { code: 'EBADF', syscall: 'read' });
    assert.throws(() => tap.send(question(0), 42), { code: 'EBADF', syscall: 'write' });
    console.log('went on');
  `);
  assert.equal(printed, 'went on\n');
});

test('native tap: names: the kernel chooses, and one is held once', { skip }, () => {
  const printed = printsInItsNetwork(`
    const [first, second] = [openTap('some%d'), openTap('some%d')];
    console.log(first.name, second.name, openTap('').name);
    assert.throws(() => openTap('some0'), { code: 'EBUSY', syscall: 'ioctl' });
    assert.throws(() => openTap('lo'), { code: 'EINVAL', message: /TUNSETIFF lo/ });
    process.exit();
  `);
  assert.equal(printed, 'some0 some1 tap0\n');
});

test('native tap: settings that the kernel refuses name themselves', { skip }, () => {
  const printed = printsInItsNetwork(`
    const tap = openTap('mytap');
    assert.throws(() => bringUp('none'), { code: 'ENODEV', message: /SIOCGIFFLAGS none/ });
    assert.throws(() => setIpv4Address('none', '192.0.2.1/24'), { code: 'ENODEV', message: /SIOCSIFADDR none 192.0.2.1/ });
    assert.throws(() => setHardwareAddress('mytap', Uint8Array.of(1, 0, 0, 0, 0, 1)), { code: 'EADDRNOTAVAIL' });
    assert.throws(() => addToBridge('mytap', 'none'), { code: 'ENODEV', message: /SIOCBRADDIF none mytap/ });
    assert.throws(() => addToBridge('none', 'mytap'), { code: 'ENODEV', message: /SIOCGIFINDEX none/ });
    setIpv4Address('mytap', '10.1.2.3/9');
    bringUp('mytap');
    console.log(networkInterfaces().mytap.find(({ family }) => family === 'IPv4').cidr);
    tap.close();
  `);
  assert.equal(printed, '10.1.2.3/9\n');
});

test('native tap: a port of a bridge', { skip }, (context) => {
  const printed = printsInItsNetwork(`
      import { execFileSync } from 'node:child_process';
      try {
        execFileSync('ip', ['link', 'add', 'mybridge', 'type', 'bridge'], { stdio: 'ignore' });
      } catch {
        console.log('no bridge');
        process.exit();
      }
      const tap = openTap('mytap');
      addToBridge('mytap', 'mybridge');
      console.log(/master (\\w+)/.exec(execFileSync('ip', ['link', 'show', 'mytap'], { encoding: 'utf8' }))[1]);
      tap.close();
    `);
  if (printed === 'no bridge\n') return context.skip('no bridge can be made here');
  assert.equal(printed, 'mybridge\n');
});

const noAddresses = ['', '192.0.2.1', '192.0.2.1/33', '192.0.2.256/24', '192.0.2/24', 'x192.0.2.1/24', '::1/64'];
for (const address of noAddresses)
  test(`native tap: no address: ${JSON.stringify(address)}`, () => {
    const message = `${JSON.stringify(address)} is no IPv4 address with its prefix (192.0.2.1/24)`;
    assert.throws(() => setIpv4Address('any', address), new RangeError(message));
  });

test('native tap: names and hardware addresses that do not fit are refused before the kernel', { skip }, () =>
  leavingNoneOpen(() => {
    const long = 'x'.repeat(16);
    const message = `interface name "${long}": 16 bytes, 15 at most`;
    assert.throws(() => openTap(long), new RangeError(message));
    assert.throws(() => bringUp(long), new RangeError(message));
    assert.throws(() => addToBridge(long, 'any'), new RangeError(message));
    assert.throws(
      () => setHardwareAddress('any', new Uint8Array(5)),
      new RangeError('a hardware address of 5 bytes, not 6'),
    );
    assert.equal(existsSync('/sys/class/net/any'), false);
  }),
);
