/** The check of a disk: it passes on a disk that keeps what it gets, and finds every kind of lie. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArrayDisk, systemFailure } from '../../devices/test-disk.ts';
import type { ElementList } from '../../host/element-list.ts';
import diskCheck from './disk-check.ts';
import { testBlock, testConsole } from './test-devices.ts';
import { TestMachine, TestPort } from './test-machine.ts';

function check(disk: ArrayDisk | null, commandLine = '') {
  const port = new TestPort();
  const block = disk === null ? [] : [testBlock(disk)];
  const machine = new TestMachine({ devices: [...block, testConsole(port)], commandLine });
  return { ...machine.run(diskCheck), output: port.output, machine };
}

for (const [what, sectors, commandLine] of [
  ['as it comes', 4096, ''],
  ['one request at a time', 64, '--depth 1'],
  ['as many as the ring takes', 1024, '--depth 42'],
  ['large blocks', 5000, '--block 65536'],
  ['small blocks', 100, '--block 512'],
  ['a last block that is short', 4099, '--block 8192'],
  ['several passes', 512, '--passes 3'],
] as const)
  test(`disk-check: passes: ${what}`, () => {
    const disk = new ArrayDisk({ sectors });
    const { reason, output, machine } = check(disk, commandLine);
    assert.equal(reason, null, output);
    assert.match(output, /Pass 1: wrote \d+ bytes, \d+ MB\/s, flushed in \d+ ms\n/);
    assert.match(output, /\nPass \d: verified \d+ bytes, \d+ MB\/s\ndisk-check passed\n$/);
    assert.equal(disk.flushes, commandLine === '--passes 3' ? 3 : 1);
    assert.equal(disk.bytes.includes(0xff), true);
    assert.equal(machine.status(0), 7);
  });

test('disk-check: what was written can be verified later, by its seed', () => {
  const disk = new ArrayDisk({ sectors: 256 });
  assert.equal(check(disk, '--seed 7 write').reason, null);
  assert.equal(check(disk, '--seed 7 verify').reason, null);
  assert.match(check(disk, '--seed 8 verify').reason!, /byte 0 differs/);
});

test('disk-check: flushes on the way, says so, and looks at a part of the disk alone', () => {
  const disk = new ArrayDisk({ sectors: 100 });
  const { reason, output } = check(disk, '--size 20480 --flush 8192 write');
  assert.equal(reason, null);
  assert.deepEqual(
    [...output.matchAll(/flushed up to (\d+)/g)].map(([, end]) => end),
    ['8192', '16384', '20480'],
  );
  assert.equal(disk.flushes, 3);
  assert.equal(
    disk.bytes.subarray(20_480).every((byte) => byte === 0),
    true,
  );
  assert.equal(check(disk, '--size 20480 verify').reason, null);
  assert.match(check(disk, 'verify').reason!, /byte 20480 differs/);
});

test('disk-check: barriers among the writes in flight', () => {
  const disk = new ArrayDisk({ sectors: 1024 });
  assert.equal(check(disk, '--barrier 131072').reason, null);
  const plain = new ArrayDisk({ sectors: 1024 });
  check(plain);
  assert.ok(disk.flushes > plain.flushes + 3, `${disk.flushes} flushes`);
});

/** A disk that lies in one way. */
class LyingDisk extends ArrayDisk {
  private readonly lie: (disk: ArrayDisk, offsetBytes: number) => void;
  constructor(lie: (disk: ArrayDisk, offsetBytes: number) => void) {
    super({ sectors: 1024 });
    this.lie = lie;
  }
  override read(into: ElementList, offsetBytes: number, lengthBytes: number): undefined | Promise<void> {
    this.lie(this, offsetBytes);
    return super.read(into, offsetBytes, lengthBytes);
  }
}

type Lie = (disk: ArrayDisk, offsetBytes: number) => void;
const lies: readonly (readonly [string, Lie, RegExp])[] = [
  // what, the lie before each read, what the guest dies of
  ['one bit', (disk) => disk.bytes.fill(0x55, 300_001, 300_002), /byte 300000 differs, in sector 585: found word 0x/],
  ['a block of its neighbour', (disk) => disk.bytes.copyWithin(8192, 4096, 8192), /byte 8192 differs/],
  ['a sector that was not written', (disk) => disk.bytes.fill(0, 512 * 1023), /byte 523776 differs/],
  ['a block that cannot be read', failAt(40_960), /read of 4096 bytes at sector 80: io-error \(status 1\)/],
];
function failAt(offset: number): Lie {
  return (disk, at) => {
    if (at === offset) disk.failure = systemFailure();
  };
}
for (const [what, lie, expected] of lies)
  test(`disk-check: finds ${what}`, () => {
    const { reason, output } = check(new LyingDisk(lie));
    assert.match(reason ?? 'none', expected);
    assert.match(output, /Pass 1: wrote [^\n]*\n(Pass 1: reading[^\n]*\n)*$/);
  });

const refusals: readonly (readonly [string, ArrayDisk | null, RegExp])[] = [
  ['', null, /there is no disk 0/],
  ['--disk 1', new ArrayDisk(), /there is no disk 1/],
  ['', new ArrayDisk({ sectors: 0 }), /the disk is empty/],
  ['', new ArrayDisk({ readOnly: true }), /write of 4096 bytes at sector 0: io-error/],
  ['--depth 43', new ArrayDisk(), /--depth is 1 to 42, not 43/],
  ['--depth', new ArrayDisk(), /--depth is 1 to 42, not nothing/],
  ['--block 1000', new ArrayDisk(), /--block is a multiple of 512, not 1000/],
  ['--size 32769', new ArrayDisk(), /--size is a multiple of 512, not 32769/],
  ['--size 33280', new ArrayDisk(), /--size is 32768 at most, not 33280/],
  ['--width 1', new ArrayDisk(), /no option --width: there are --depth, /],
  ['read', new ArrayDisk(), /write, verify or nothing, not read/],
  ['--block 1048576 --depth 42', new ArrayDisk(), /no 44\d+ bytes of guest memory/],
];
for (const [commandLine, disk, expected] of refusals)
  test(`disk-check: refuses ${commandLine}: ${expected.source}`, () => {
    assert.match(check(disk, commandLine).reason ?? 'none', expected);
  });

test('disk-check: a disk that never answers is told of', () => {
  const { reason } = check(new ArrayDisk({ later: true }));
  assert.equal(reason, 'disk-check failed: the disk finished none of 8 requests in 30 s');
});
