/** The greeting, and with it all that guests do at their start. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loopbackLink } from '../../devices/packet-link.ts';
import { ArrayDisk } from '../../devices/test-disk.ts';
import hello from './hello.ts';
import { testBlock, testConsole, testNet } from './test-devices.ts';
import { TestMachine, TestPort } from './test-machine.ts';

const MAC = Uint8Array.of(2, 0, 0, 0, 0, 0x1a);

test('hello: says what machine it is on', () => {
  const port = new TestPort();
  const machine = new TestMachine({
    devices: [testNet(loopbackLink(), MAC), testBlock(new ArrayDisk({ sectors: 100 })), testConsole(port)],
    memoryMb: 3,
    commandLine: 'one two ',
  });
  assert.deepEqual(machine.run(hello), { reason: null });
  assert.equal(
    port.output,
    [
      'Hello from the guest.',
      'Memory: 3 MB',
      'Arguments: one two',
      'Devices: 3',
      '  0: net, MAC 02:00:00:00:00:1a, 2 queues, interrupts 1, 2, status 0',
      '  1: block, 100 sectors, 1 queue, interrupts 3, status 0',
      '  2: console, 2 queues, interrupts 4, 5, status 7',
      '',
    ].join('\n'),
  );
  assert.equal(machine.status(2), 7);
});

test('hello: a machine without a console is none', () => {
  assert.deepEqual(new TestMachine({ devices: [] }).run(hello), { reason: 'there is no console' });
});
