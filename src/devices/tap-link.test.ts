import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { whyNoTap } from '../native/test-tap.ts';
import type { Watcher } from '../native/watcher.ts';
import { TapLink } from './tap-link.ts';

const TAP = 7;

function setUp() {
  const watched: { readable: (() => void) | null; writable: (() => void) | null } = { readable: null, writable: null };
  const watcher: Watcher = {
    watch: (descriptor, onReadable) => {
      assert.deepEqual([descriptor, watched.readable], [TAP, null]);
      watched.readable = onReadable;
    },
    watchWritable: (descriptor, onWritable) => {
      assert.deepEqual([descriptor, watched.writable], [TAP, null]);
      watched.writable = onWritable;
    },
    unwatch: () => {
      watched.readable = null;
      watched.writable = null;
    },
    unwatchWritable: () => {
      watched.writable = null;
    },
  };
  const tap = {
    descriptor: TAP,
    waiting: [] as number[],
    room: 1,
    closed: 0,
    failure: null as Error | null,
    receive: () => {
      if (tap.failure !== null) throw tap.failure;
      return tap.waiting.shift() ?? -1;
    },
    send: () => tap.room-- > 0,
    close: () => {
      tap.closed++;
    },
  };
  const calls: string[] = [];
  const link = new TapLink(tap, watcher);
  link.onReadable = () => calls.push('readable');
  link.onWritable = () => calls.push('writable');
  return { watched, tap, link, calls };
}
const bytes = new Uint8Array(64);

test('tap link: listens from the first vain look on, and not while it is paused', () => {
  const { watched, tap, link, calls } = setUp();
  tap.waiting.push(60);
  assert.deepEqual([link.receive(bytes), watched.readable], [60, null]);
  assert.equal(link.receive(bytes), -1);
  watched.readable!();
  watched.readable!();
  assert.deepEqual(calls, ['readable', 'readable']);
  link.pause();
  link.pause();
  assert.equal(watched.readable, null);
  link.resume();
  link.resume();
  assert.notEqual(watched.readable, null);
  link.onReadable = null;
  watched.readable!();
  assert.equal(watched.readable, null, 'nobody is told: nobody listens');
});

test('tap link: looks for room only after it had none, and says it once', () => {
  const { watched, tap, link, calls } = setUp();
  assert.deepEqual([link.send(bytes, 60), watched.writable], [true, null]);
  assert.deepEqual([link.send(bytes, 60), link.send(bytes, 60)], [false, false]);
  link.resume();
  link.pause();
  assert.notEqual(watched.writable, null, 'a pause of the other direction changes nothing');
  watched.writable!();
  assert.deepEqual([calls, watched.writable], [['writable'], null]);
  tap.room = 1;
  assert.equal(link.send(bytes, 60), true);
});

test('tap link: an interface that is gone is thrown, and not listened to', () => {
  const { watched, tap, link } = setUp();
  link.resume();
  tap.failure = new Error('planted');
  assert.throws(() => link.receive(bytes), /planted/);
  assert.equal(watched.readable, null);
});

test('tap link: closed once, with its watches', () => {
  const { watched, tap, link } = setUp();
  link.resume();
  link.send(bytes, 60);
  link.send(bytes, 60);
  link.close();
  link.close();
  link.resume();
  assert.deepEqual([watched, tap.closed], [{ readable: null, writable: null }, 1]);
});

test('net: a guest behind a real tap asks for the address of the machine, and is answered', {
  skip: whyNoTap(),
}, () => {
  const urlOf = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  const program = `
    import { NetDevice } from ${urlOf('./net.js')};
    import { TapLink } from ${urlOf('./tap-link.js')};
    import { TestQueue } from ${urlOf('./test-queue.js')};
    import { openTap } from ${urlOf('../native/tap.js')};
    import { bringUp, setIpv4Address } from ${urlOf('../native/network-interface.js')};
    const tap = openTap('vrtest%d');
    setIpv4Address(tap.name, '192.0.2.1/24');
    bringUp(tap.name);
    const device = new NetDevice({ link: new TapLink(tap) });
    device.acknowledge(1n << 32n);
    const rx = new TestQueue();
    const tx = new TestQueue();
    const services = [device.start(0, { ...rx.target, wake: look }), device.start(1, tx.target)];
    const OURS = [0x02, 0, 0, 0, 0, 0x99];
    const ask = [
      ...Array(12).fill(0), ...Array(6).fill(255), ...OURS, 0x08, 0x06,
      0, 1, 8, 0, 6, 4, 0, 1, ...OURS, 192, 0, 2, 2, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1,
    ];
    function look() {
      for (const { id } of rx.serve(services[0])) {
        const frame = rx.data.u8.slice(2048 * id + 12, 2048 * id + 54);
        // An answer to the question, and not what the machine says by itself.
        if (frame[12] === 0x08 && frame[13] === 0x06 && frame[21] === 2) {
          console.log('answered by', [...frame.slice(28, 32)].join('.'));
          device.close();
          clearTimeout(bound);
        } else rx.offer(id, [{ offset: 2048 * id, length: 2048, write: true }]);
      }
    }
    const bound = setTimeout(() => { throw new Error('no answer') }, 30000);
    for (let head = 0; head < 16; head++) rx.offer(head, [{ offset: 2048 * head, length: 2048, write: true }]);
    look();
    tx.data.u8.set(ask, 0);
    tx.offer(0, [{ offset: 0, length: ask.length }]);
    tx.serve(services[1]);
  `;
  const out = execFileSync('unshare', ['--net', process.execPath, '--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(out, 'answered by 192.0.2.1\n');
});
