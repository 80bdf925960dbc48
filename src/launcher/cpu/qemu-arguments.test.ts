import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type QemuMachine, qemuArguments, shellLine } from './qemu-arguments.ts';

const PLAIN: QemuMachine = {
  ...{ accelerator: 'tcg', memoryMb: 64, kernel: '/k', initrd: null, args: [], devices: [], monitor: '/m' },
};
const MAC = Uint8Array.of(2, 0, 0x1f, 3, 0xff, 5);

const machines: [string, Partial<QemuMachine>, string][] = [
  // what, differs in, part of the line
  ['the processor', {}, '-accel tcg -machine q35 -cpu max -m 64M'],
  ['another accelerator', { accelerator: 'kvm' }, '-accel kvm -machine'],
  ['shared memory', { memoryMb: 4095 }, '-m 4095M -object memory-backend-memfd,id=mem,size=4095M,share=on -numa'],
  ['the console', {}, '-display none -no-reboot -serial mon:stdio -chardev'],
  ['the monitor', {}, '-chardev socket,id=events,path=/m -mon chardev=events,mode=control -kernel'],
  ['no initrd', {}, "-kernel /k -append 'console=ttyS0'"],
  ['an initrd', { initrd: '/i' }, '-kernel /k -initrd /i -append'],
  ['arguments', { args: ['root=/dev/vda', 'quiet'] }, "-append 'console=ttyS0 root=/dev/vda quiet'"],
  ['another console', { args: ['quiet', 'console=ttyS0,9600'] }, "-append 'quiet console=ttyS0,9600'"],
  [
    'a disk',
    { devices: [{ kind: 'block', socket: '/s' }] },
    '-chardev socket,id=char0,path=/s -device vhost-user-blk-pci,chardev=char0,num-queues=1',
  ],
  [
    'a network',
    { devices: [{ kind: 'net', socket: '/s', mac: MAC }] },
    '-chardev socket,id=char0,path=/s -netdev vhost-user,id=net0,chardev=char0,queues=1 ' +
      '-device virtio-net-pci,netdev=net0,romfile=,vectors=0,mac=02:00:1f:03:ff:05',
  ],
  [
    'entropy',
    { devices: [{ kind: 'entropy', socket: '/s' }] },
    '-chardev socket,id=char0,path=/s -device vhost-user-rng-pci,chardev=char0',
  ],
  ['a comma in a path', { devices: [{ kind: 'entropy', socket: '/a,b' }] }, 'path=/a,,b'],
  [
    'devices in their order',
    {
      devices: [
        { kind: 'block', socket: '/0' },
        { kind: 'entropy', socket: '/1' },
        { kind: 'block', socket: '/2' },
      ],
    },
    'path=/0 -device vhost-user-blk-pci,chardev=char0,num-queues=1 ' +
      '-chardev socket,id=char1,path=/1 -device vhost-user-rng-pci,chardev=char1 ' +
      '-chardev socket,id=char2,path=/2 -device vhost-user-blk-pci,chardev=char2,num-queues=1',
  ],
];
for (const [what, differs, part] of machines)
  test(`QEMU's command line: ${what}`, () => {
    const words = qemuArguments({ ...PLAIN, ...differs });
    const line = words.map((word, i) => (words[i - 1] === '-append' ? `'${word}'` : word)).join(' ');
    assert.ok(` ${line} `.includes(part), line);
  });

test("QEMU's command line has no serial port, disk or network of its own", () => {
  assert.ok(qemuArguments(PLAIN).includes('-nodefaults'));
  assert.ok(qemuArguments(PLAIN).includes('-no-user-config'));
});

const shell: [string[], string][] = [
  [['a', '-b=c,d', '/e.f'], 'a -b=c,d /e.f'],
  [['a b', ''], "'a b' ''"],
  [["it's"], "'it'\\''s'"],
  [['$HOME'], "'$HOME'"],
];
for (const [words, line] of shell)
  test(`a shell's line: ${line}`, () => {
    assert.equal(shellLine(words), line);
  });
