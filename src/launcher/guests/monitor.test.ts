/** The prompt: every command, what is refused, and the line editor by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pairLinks } from '../../devices/packet-link.ts';
import { ArrayDisk, systemFailure } from '../../devices/test-disk.ts';
import { hexDump } from './kit/hex-dump.ts';
import { LineEditor } from './kit/line-editor.ts';
import monitor from './monitor.ts';
import { parseIp } from './net/ipv4.ts';
import { NetStack } from './net/stack.ts';
import { testBlock, testConsole, testNet } from './test-devices.ts';
import { TestMachine, TestPort } from './test-machine.ts';

const MAC = Uint8Array.of(2, 0, 0, 1, 2, 3);

/** What the monitor says to these lines: for each its echo and all behind it. */
function session(lines: readonly string[], { disk = new ArrayDisk(), bare = false } = {}) {
  const [near, far] = pairLinks();
  const send = (frame: Uint8Array, length: number) => far.send(frame, length);
  const peer = new NetStack({ mac: Uint8Array.of(2, 0, 0, 0, 0, 9), address: parseIp('10.0.0.9')!, send });
  const frame = new Uint8Array(70_000);
  const onWait = () => {
    for (let length = far.receive(frame); length !== -1; length = far.receive(frame)) peer.handle(frame, length);
  };
  const port = new TestPort([...lines, 'halt', ''].join('\n'));
  const devices = bare ? [] : [testNet(near, MAC), testBlock(disk)];
  const machine = new TestMachine({ devices: [...devices, testConsole(port)], onWait });
  const ending = machine.run(monitor);
  const answers = port.output.split('monitor> ').slice(1);
  return { ...ending, output: port.output, answers, disk };
}

test('monitor: devices, help and halt', () => {
  const { reason, output, answers } = session(['devices', 'help', '', '   ']);
  assert.equal(reason, null);
  assert.match(output, /^Address 10\.1\.2\.3\nmonitor> /);
  assert.equal(
    answers[0],
    [
      'devices',
      '0: net, MAC 02:00:00:01:02:03, 2 queues, interrupts 1, 2, status 7',
      '1: block, 64 sectors, 1 queue, interrupts 3, status 7',
      '2: console, 2 queues, interrupts 4, 5, status 7',
      '',
    ].join('\n'),
  );
  for (const name of ['devices', 'hexdump', 'read', 'write', 'ping', 'halt', 'help'])
    assert.match(answers[1]!, new RegExp(`\n  ${name} `));
  assert.deepEqual(answers.slice(2), ['\n', '   \n', 'halt\n']);
});

test('monitor: writes a sector, reads it, and the disk has it for good', () => {
  const { answers, disk } = session(['write 63 hello  world', 'read 63', 'read 0 2']);
  assert.match(answers[0]!, /\nwrote 11 characters to sector 63\n$/);
  assert.match(answers[1]!, /\n00007e00 {2}68 65 6c 6c 6f 20 77 6f 72 6c 64 00 00 00 00 00 {2}hello world\.{5}\n/);
  assert.equal(answers[1]!.split('\n').length, 1 + 32 + 1);
  assert.equal(answers[2]!.split('\n').length, 1 + 64 + 1);
  assert.equal(Buffer.from(disk.bytes.slice(63 * 512, 63 * 512 + 12)).toString(), 'hello world\0');
  assert.equal(disk.flushes, 1);
});

test('monitor: pings, and answers while it does', () => {
  const { answers } = session(['ping 10.0.0.9', 'ping 10.0.0.8']);
  assert.match(answers[0]!, /\n4 of 4 answered, [\d.]+ ms\n$/);
  assert.match(answers[1]!, /\nnobody answers for 10\.0\.0\.8\n$/);
});

test('monitor: looks at memory, the device page too', () => {
  // The page of a machine of 4 MB: a network device, whose first field is a queue.
  const [answer] = session(['hexdump 0x400000 7']).answers;
  assert.equal(answer, 'hexdump 0x400000 7\n00400000  01 1c 07 02 08 80 00                             .......\n');
});

const refused: [string, RegExp][] = [
  ['halte', /no command halte: try help/],
  ['constructor', /no command constructor: try help/],
  ['read', /usage: read SECTOR \[COUNT\]/],
  ['read 0 1 2', /usage: read SECTOR/],
  ['read 64', /a sector is 0 to 63, not 64/],
  ['read -1', /a sector is 0 to 63, not -1/],
  ['read 63 2', /a count is 1 to 1, not 2/],
  ['read 0 9', /a count is 1 to 8, not 9/],
  ['write 1', /usage: write SECTOR TEXT/],
  ['hexdump 0 4097', /a length is 1 to 4096, not 4097/],
  ['hexdump 0x7fffffff 1', /an address is 0 to \d+, not 0x7fffffff/],
  ['hexdump zero 1', /an address is 0 to \d+, not zero/],
  ['ping here', /an address is four numbers to 255, not here/],
];
test('monitor: says why it cannot, and goes on', () => {
  const { reason, answers } = session(refused.map(([line]) => line));
  assert.equal(reason, null);
  for (const [i, [, expected]] of refused.entries()) assert.match(answers[i]!, expected);
});

test('monitor: without devices, and with a disk that fails, it goes on', () => {
  const { reason, answers } = session(['read 0', 'write 0 a', 'ping 10.0.0.9'], { bare: true });
  assert.equal(reason, null);
  for (const [i, expected] of [/there is no disk/, /there is no disk/, /there is no network device/].entries())
    assert.match(answers[i]!, expected);
  const disk = new ArrayDisk();
  disk.failure = systemFailure();
  const failing = session(['read 5', 'read 5'], { disk });
  assert.match(failing.answers[0]!, /read of 512 bytes at sector 5: io-error/);
  assert.match(failing.answers[1]!, /00000a00/);
  const silent = session(['read 5', 'read 5'], { disk: new ArrayDisk({ later: true }) });
  assert.match(silent.answers[0]!, /no answer/);
  assert.match(silent.answers[1]!, /has not answered an earlier request/);
});

const typed: [string, string, string[], string][] = [
  // what, typed, lines, seen
  ['a line', 'abc\n', ['abc'], 'abc\n'],
  ['a line of a terminal', 'abc\r', ['abc'], 'abc\n'],
  ['two at once', 'a\nb\nc', ['a', 'b'], 'a\nb\nc'],
  ['a mistake', 'ax\x7fb\n', ['ab'], 'ax\b \bb\n'],
  ['the other backspace', 'ax\bb\n', ['ab'], 'ax\b \bb\n'],
  ['backspace at the start', '\x7f\x7fa\n', ['a'], 'a\n'],
  ['^U', 'abc\x15d\n', ['d'], `abc${'\b \b'.repeat(3)}d\n`],
  ['an arrow, other controls', 'a\x1b[A\x01\tb\n', ['ab'], 'ab\n'],
  ['too long', `${'x'.repeat(300)}\n`, ['x'.repeat(256)], `${'x'.repeat(256)}\n`],
];
for (const [what, input, lines, seen] of typed)
  test(`line editor: ${what}`, () => {
    let output = '';
    const editor = new LineEditor((text) => {
      output += text;
    });
    const all: string[] = [];
    for (const character of input) {
      editor.feed(character);
      for (let line = editor.next(); line !== null; line = editor.next()) all.push(line);
    }
    assert.deepEqual([all, output], [lines, seen]);
  });

test('hex dump: rows, a short last one, any place', () => {
  const bytes = Uint8Array.from({ length: 40 }, (_, i) => i + 0x40);
  assert.deepEqual(hexDump(bytes, 2, 18, 0x1000), [
    '00001002  42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50 51  BCDEFGHIJKLMNOPQ',
    `00001012  52 53 ${' '.repeat(42)} RS`,
  ]);
});
