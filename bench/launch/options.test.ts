import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../command-line/option-values.ts';
import { launchHelp, parseLaunchOptions } from './options.ts';

const THIS = fileURLToPath(import.meta.url);

test('launch: the line of the original', () => {
  const args = ['--verbose', '--tunnet=192.0.2.1', '--block=a.img', '--tunnet=bridge:br0', '--initrd=i.gz', '64'];
  assert.deepEqual(parseLaunchOptions([...args, 'hello', 'root=/dev/vda', '--verbose', '-x']), {
    memoryMb: 64,
    image: {
      kind: 'module',
      name: 'hello',
      entry: new URL('../../src/launcher/guests/hello.js', import.meta.url).href,
    },
    args: ['root=/dev/vda', '--verbose', '-x'],
    devices: [
      { kind: 'net', link: { kind: 'address', address: '192.0.2.1' } },
      { kind: 'block', path: 'a.img' },
      { kind: 'net', link: { kind: 'bridge', bridge: 'br0' } },
    ],
    initrd: 'i.gz',
    cpu: 'worker',
    accelerator: 'tcg',
    readOnly: false,
    verbose: true,
    stats: false,
  });
});

const places: [string, string[]][] = [
  ['before the memory', ['-v', '--block', 'a', '--net=pair:x', '--readonly', '16', 'hello', '7']],
  ['between memory and image', ['--block=a', '16', '-v', '--net', 'pair:x', '--readonly', 'hello', '7']],
  ['behind the end of options', ['--block=a', '-v', '--net', 'pair:x', '--readonly', '--', '16', 'hello', '7']],
];
for (const [what, args] of places)
  test(`launch: options stand ${what}`, () => {
    const options = parseLaunchOptions(args)!;
    assert.deepEqual(
      [options.memoryMb, options.verbose, options.readOnly, options.args, options.devices],
      [
        16,
        true,
        true,
        ['7'],
        [
          { kind: 'block', path: 'a' },
          { kind: 'net', link: { kind: 'pair', name: 'x' } },
        ],
      ],
    );
  });

test('launch: an image is a guest by its name, a module or an x86 image by its path', () => {
  assert.deepEqual(parseLaunchOptions(['1', THIS])!.image.kind, 'module');
  assert.deepEqual(parseLaunchOptions(['1', process.execPath])!.image, { kind: 'x86', path: process.execPath });
});

const wrong: [string, string[], RegExp][] = [
  ['nothing', [], /wants <mem-in-mb> and an image: launch \[--verbose\]/],
  ['no image', ['64'], /wants an image/],
  ['an unknown option', ['--blok=a', '64', 'hello'], /unknown argument '--blok'; did you mean --block\?/],
  ['an unknown letter', ['-b', 'a', '64', 'hello'], /unknown argument '-b'/],
  ['a value for a flag', ['--verbose=yes', '64', 'hello'], /--verbose takes no value/],
  ['no value', ['64', '--block'], /--block wants a value/],
  ['an empty value', ['--block=', '64', 'hello'], /--block wants a value/],
  ['two initrds', ['--initrd=a', '--initrd=b', '64', 'hello'], /--initrd is given twice/],
  ['no memory', ['0', 'hello'], /<mem-in-mb> wants 1 to \d+, not '0'/],
  ['too much memory', ['4096', 'hello'], /<mem-in-mb> wants 1 to 4095, not '4096'/],
  ['memory with a unit', ['64M', 'hello'], /not '64M'/],
  ['an image that is none', ['64', 'helo'], /image 'helo' is no file.*did you mean hello\?/],
  ['another CPU', ['--cpu=kvm', '64', 'hello'], /--cpu wants one of worker, qemu, not 'kvm'/],
  ['another accelerator', ['--cpu=qemu', '--accel=hvf', '64', 'hello'], /--accel wants one of tcg, kvm, not 'hvf'/],
  ['an accelerator for a worker', ['--accel=tcg', '64', 'hello'], /--accel is QEMU's: it wants --cpu qemu, too/],
  ['another network', ['--net=tap0', '64', 'hello'], /--net wants pair:NAME or loopback, not 'tap0'/],
  ['a pair without a name', ['--net=pair:', '64', 'hello'], /--net wants pair:NAME/],
  ['an address that is none', ['--tunnet=192.0.2.256', '64', 'hello'], /--tunnet wants an address/],
  ['a bridge without a name', ['--tunnet=bridge:', '64', 'hello'], /--tunnet must specify bridge name/],
];
for (const [what, args, expected] of wrong)
  test(`launch: a command line with ${what} is told what is wrong`, () => {
    assert.throws(
      () => parseLaunchOptions(args),
      (error) => error instanceof UsageError && expected.test(error.message),
    );
  });

test('launch: help names every option and every guest', () => {
  assert.equal(parseLaunchOptions(['--help']), null);
  assert.equal(parseLaunchOptions(['64', '-h', 'hello']), null);
  for (const word of ['--tunnet', '--readonly', '--cpu', 'qemu', 'disk-check', 'net-echo', 'monitor'])
    assert.ok(launchHelp().includes(word), word);
});
