import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { StreamPort } from '../../devices/console-port.ts';
import type { GuestEnding } from './cpu.ts';
import { qemuArguments } from './qemu-arguments.ts';
import { QemuProcess } from './qemu-process.ts';

const machine = { memoryMb: 64, kernel: 'bzImage', initrd: null, args: [], devices: [] };
const valuesOf = (args: readonly string[], name: string) =>
  args.flatMap((arg, i) => (arg === name ? [args[i + 1]!] : []));

test('qemu: the console is named unless the guest names one', () => {
  assert.deepEqual(valuesOf(qemuArguments(machine), '-append'), ['console=ttyS0']);
  assert.deepEqual(valuesOf(qemuArguments({ ...machine, args: ['a', 'b'] }), '-append'), ['console=ttyS0 a b']);
  assert.deepEqual(valuesOf(qemuArguments({ ...machine, args: ['console=tty0'] }), '-append'), ['console=tty0']);
});

test('qemu: devices keep their order, over memory that is shared', () => {
  const mac = Uint8Array.of(2, 0, 0, 0, 0, 0xab);
  const args = qemuArguments({
    ...machine,
    initrd: 'initrd',
    devices: [
      { kind: 'net', socket: '/n', mac },
      { kind: 'block', socket: '/a,b' },
    ],
  });
  assert.deepEqual(valuesOf(args, '-device'), [
    'virtio-net-pci,netdev=n0,mac=02:00:00:00:00:ab,romfile=,vectors=0',
    'vhost-user-blk-pci,chardev=c1,num-queues=1',
  ]);
  assert.deepEqual(valuesOf(args, '-chardev').slice(1), ['socket,id=c0,path=/n', 'socket,id=c1,path=/a,,b']);
  assert.deepEqual(valuesOf(args, '-object'), ['memory-backend-memfd,id=mem,size=64M,share=on']);
  assert.deepEqual(valuesOf(args, '-initrd'), ['initrd']);
});

/** A program in QEMU's place. */
function run(script: string, input = ''): { guest: QemuProcess; output: PassThrough } {
  const typed = new PassThrough();
  typed.write(input);
  const output = new PassThrough();
  return { guest: new QemuProcess(['-e', script], new StreamPort(typed, output), process.execPath), output };
}
const shown = (ending: GuestEnding) => (ending.how === 'failed' ? `failed: ${ending.error.message}` : ending.how);

const endings: [string, string, RegExp][] = [
  ['that ends well has halted', '', /^halted$/],
  ['that ends badly has failed, in its own words', 'console.error("no memory"); process.exit(3)', /with 3: no memory$/],
  ['that is killed has failed', 'process.kill(process.pid, "SIGKILL")', /with SIGKILL/],
];
for (const [what, script, expected] of endings)
  test(`qemu: a process ${what}`, async () => {
    assert.match(shown(await run(script).guest.ended), expected);
  });

test('qemu: a program that is not there has failed', async () => {
  const port = new StreamPort(new PassThrough(), new PassThrough());
  assert.match(shown(await new QemuProcess([], port, '/absent/qemu').ended), /^failed: .*ENOENT/);
});

test('qemu: input and output are joined, and nothing of either is lost', async () => {
  const script =
    'process.stdin.once("data", (data) => { process.stdout.write(String(data).repeat(40000)); process.stdin.destroy(); })';
  const { guest, output } = run(script, 'polly\n');
  let bytes = 0;
  output.on('data', (data: Buffer) => {
    bytes += data.length;
  });
  assert.deepEqual(await guest.ended, { how: 'halted' });
  assert.equal(bytes, 6 * 40000);
});

test('qemu: one that does not want to end is stopped', async () => {
  const { guest, output } = run('process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1000)');
  await new Promise((resolve) => output.once('data', resolve));
  assert.deepEqual(await guest.stop(), { how: 'stopped' });
});
