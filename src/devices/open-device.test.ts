import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { whyUnavailable } from '../native/libc.ts';
import { leavingNoneOpen } from '../native/test-leaks.ts';
import { FileDisk } from './file-disk.ts';
import { type DeviceOptions, openDevice, openDisk } from './open-device.ts';
import { VectoredDisk } from './vectored-disk.ts';

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));
const image = join(folder, 'disk.img');
writeFileSync(image, new Uint8Array(4096));

const opened: [options: DeviceOptions, id: number, queues: number, features: number[]][] = [
  // what, virtio id, queues, feature bits
  [{ kind: 'block', image }, 2, 1, [2, 6, 9, 14]],
  [{ kind: 'block', image, readOnly: true, queues: 3, serial: 'x' }, 2, 3, [2, 5, 6, 9, 12]],
  [{ kind: 'net', link: { kind: 'loopback' } }, 1, 2, [15, 16]],
  [{ kind: 'net', link: { kind: 'loopback' }, mac: new Uint8Array(6), mtu: 1400 }, 1, 2, [3, 5, 15, 16]],
  [{ kind: 'entropy' }, 4, 1, []],
  [{ kind: 'console', port: { kind: 'echo' } }, 3, 2, []],
  [{ kind: 'console', port: { kind: 'echo' }, size: { cols: 80, rows: 25 } }, 3, 2, [0]],
];
for (const [options, id, queues, features] of opened)
  test(`open device: ${JSON.stringify(options).replace(folder, '')}, sent to a thread or not`, () =>
    leavingNoneOpen(() => {
      for (const given of [options, structuredClone(options)]) {
        const device = openDevice(given);
        assert.deepEqual([device.id, device.queueCount], [id, queues]);
        assert.equal(
          device.features,
          features.reduce((word, bit) => word | (1n << BigInt(bit)), 0n),
        );
        device.close();
      }
    }));

for (const [what, options] of [
  ['an image that is not there', { kind: 'block', image: join(folder, 'none') }],
  ['too many queues', { kind: 'block', image, queues: 5000 }],
  ['a long serial', { kind: 'block', image, serial: 'x'.repeat(21) }],
  ['a short MAC address', { kind: 'net', link: { kind: 'loopback' }, mac: new Uint8Array(3) }],
  ['a name that no interface has', { kind: 'net', link: { kind: 'tap', name: 'x'.repeat(16) } }],
] as const)
  test(`open device: ${what} is refused, and leaves nothing open`, () =>
    leavingNoneOpen(() => {
      assert.throws(() => openDevice(options));
    }));

test('open disk: one call a request where libc can be called', () => {
  const disk = openDisk({ path: image });
  assert.equal(disk.constructor, whyUnavailable() === null ? VectoredDisk : FileDisk);
  disk.close();
});
