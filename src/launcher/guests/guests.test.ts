/** The guests in real launches: a thread for the guest, one for each device. */
import assert from 'node:assert/strict';
import { mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { imageFile } from '../../devices/test-image.ts';
import { whyUnavailable } from '../../native/libc.ts';
import type { LaunchDeviceOptions } from '../device-options.ts';
import { launchGuest } from './test-launch.ts';

const skip = whyUnavailable() ?? false;
const folder = mkdtempSync(join(tmpdir(), 'guests-'));
after(() => rmSync(folder, { recursive: true }));

const block = (path: string, readOnly = false): LaunchDeviceOptions => ({ kind: 'block', path, readOnly });
/** Both ends of a link that no other test run has. */
const pair = (last: number): LaunchDeviceOptions => ({
  kind: 'net',
  link: { kind: 'pair', name: `guests-${process.pid}` },
  mac: Uint8Array.of(2, 0, 0, 0, 0, last),
});
const loopback: LaunchDeviceOptions = { ...pair(1), link: { kind: 'loopback' } } as LaunchDeviceOptions;

test('guests: hello sees devices in the order of the command line', { skip }, async () => {
  const { guest, output } = await launchGuest('hello', ['a', 'b'], {
    memoryMb: 24,
    devices: [block(imageFile(folder, 65536)), loopback],
  });
  assert.equal(guest.how, 'halted');
  assert.match(output, /\nMemory: 24 MB\nArguments: a b\nDevices: 3\n {2}0: block, 128 sectors, .*\n {2}1: net, MAC /);
});

test('guests: disk-check on 64 MiB: all of it is in the file', { skip }, async () => {
  const path = imageFile(folder, 2 ** 26);
  const { guest, output } = await launchGuest('disk-check', [], { devices: [block(path)] });
  assert.deepEqual(guest, { how: 'halted' });
  assert.match(output, /verified 67108864 bytes, .*\ndisk-check passed\n$/);
  const end = new Uint8Array(4096);
  const file = openSync(path, 'r');
  readSync(file, end, 0, end.length, 2 ** 26 - end.length);
  assert.ok(end.some((byte) => byte !== 0));
});

test('guests: disk-check with barriers among its writes, flushing on the way', { skip }, async () => {
  const args = ['--barrier', '1048576', '--flush', '4194304', '--depth', '42', '--block', '8192'];
  const devices = [block(imageFile(folder, 2 ** 24))];
  const { guest, output, stats } = await launchGuest('disk-check', args, { devices });
  assert.deepEqual(guest, { how: 'halted' });
  assert.match(output, /\nPass 1: flushed up to 16777216\n/);
  assert.equal(stats[0]!.failures, 0);
});

test('guests: disk-check does not write to a disk that is read-only', { skip }, async () => {
  const { guest } = await launchGuest('disk-check', [], { devices: [block(imageFile(folder, 65536), true)] });
  assert.deepEqual(guest, { how: 'died', reason: 'disk-check failed: the disk is read-only' });
});

test('guests: two launchers in a pair: 10,000 pings, 100 MiB of datagrams, nothing lost', { skip }, async () => {
  const stop = new AbortController();
  const echo = launchGuest('net-echo', ['--address', '10.0.0.2'], { devices: [pair(2)], signal: stop.signal });
  const pings = await launchGuest('net-echo', ['--address', '10.0.0.1', 'ping', '10.0.0.2', '10000'], {
    devices: [pair(1)],
  });
  assert.deepEqual(pings.guest, { how: 'halted' });
  assert.match(pings.output, /\n10000 pings sent, 10000 answered, 0 lost\n/);
  const datagrams = await launchGuest('net-echo', ['--address', '10.0.0.1', 'udp', '10.0.0.2', '100'], {
    devices: [pair(1)],
  });
  assert.deepEqual(datagrams.guest, { how: 'halted' });
  assert.match(datagrams.output, /\n71235 datagrams, 100 MiB, came back unchanged/);
  stop.abort();
  assert.deepEqual((await echo).guest, { how: 'stopped' });
});

test('guests: monitor takes its lines from a pipe', { skip }, async () => {
  const input = 'devices\nwrite 7 a sector\nread 7\nhalt\n';
  const { guest, output } = await launchGuest('monitor', ['10.0.0.1'], {
    input,
    devices: [block(imageFile(folder, 65536)), loopback],
  });
  assert.equal(guest.how, 'halted');
  assert.match(output, /^Address 10\.0\.0\.1\nmonitor> devices\n0: block, 128 sectors,/);
  assert.match(output, /\n00000e00 {2}61 20 73 65 63 74 6f 72 00/);
  assert.match(output, /\nmonitor> halt\n$/);
});
