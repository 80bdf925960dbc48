import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LauncherError } from '../errors.ts';
import { MEMORY_MB_MAX, PhysicalMemory } from './physical-memory.ts';

const MB = 2 ** 20;

test('physical memory: of the given size, zeroed, then 256 pages for devices', () => {
  const memory = new PhysicalMemory(3);
  assert.deepEqual(
    [memory.ramBytes, memory.limitBytes, memory.maxBytes, memory.shared.buffer.byteLength],
    [3 * MB, 3 * MB, 4 * MB, 4 * MB],
  );
  assert.ok(new Uint8Array(memory.shared.buffer).every((byte) => byte === 0));
  assert.equal(memory.getPages(1), 3 * MB);
  assert.equal(memory.getPages(2), 3 * MB + 4096);
  assert.equal(memory.limitBytes, 3 * MB + 3 * 4096);
  assert.equal(memory.guestMemory().regions[0]!.sizeBytes, memory.limitBytes);
});

test('physical memory: device pages run out, and what was refused takes none', () => {
  const memory = new PhysicalMemory(1);
  memory.getPages(250);
  assert.throws(() => memory.getPages(7), {
    code: 'no-device-memory',
    value: 7,
    message: /^Not enough memory for devices: 7/,
  });
  assert.equal(memory.limitBytes, MB + 250 * 4096);
  assert.equal(memory.getPages(6), MB + 250 * 4096);
  assert.throws(() => memory.getPages(1), { code: 'no-device-memory' });
  assert.equal(memory.limitBytes, memory.maxBytes);
  for (const count of [0, -1, 0.5, Number.NaN]) assert.throws(() => memory.getPages(count), RangeError);
});

for (const mb of [0, -1, 0.5, Number.NaN, MEMORY_MB_MAX + 1, 2 ** 32])
  test(`physical memory: ${mb} MB are refused`, () => {
    assert.throws(() => new PhysicalMemory(mb), { code: 'memory-size', value: mb, message: /^Bad memory size/ });
  });

const LIMIT = MB + 4096;
const pointers: [string, number, number, boolean][] = [
  // what, address, bytes, fine
  ['the first byte', 0, 1, true],
  ['nothing at the first byte', 0, 0, true],
  ['all of memory', 0, LIMIT, true],
  ['one byte more than all', 0, LIMIT + 1, false],
  ['the last byte', LIMIT - 1, 1, true],
  ['a buffer that ends at the limit', LIMIT - 512, 512, true],
  ['a buffer that ends behind the limit', LIMIT - 512, 513, false],
  ['nothing at the limit', LIMIT, 0, false],
  ['a byte at the limit', LIMIT, 1, false],
  ['a device page not in use', LIMIT + 4096, 1, false],
  ['a sum that wraps 32 bits', 4096, 2 ** 32 - 4096 + 1, false],
  ['a sum that wraps 64 bits', 4096, 2 ** 64 - 4096, false],
  ['a sum that is not exact', 1, 2 ** 53, false],
  ['the largest address', 2 ** 64 - 1, 1, false],
  ['below zero', -1, 2, false],
  ['a length below zero', 16, -1, false],
  ['no number', Number.NaN, 1, false],
  ['a length that is no number', 0, Number.NaN, false],
];
for (const [what, address, sizeBytes, fine] of pointers)
  test(`physical memory: a pointer: ${what}`, () => {
    const memory = new PhysicalMemory(1);
    memory.getPages(1);
    if (fine) {
      assert.equal(memory.check(address, sizeBytes), address);
      const bytes = memory.bytes(address, sizeBytes);
      assert.deepEqual([bytes.byteOffset, bytes.length], [address, sizeBytes]);
      assert.equal(memory.view(address, sizeBytes).byteLength, sizeBytes);
      return;
    }
    for (const ask of ['check', 'bytes', 'view'] as const)
      assert.throws(
        () => memory[ask](address, sizeBytes),
        (error: unknown) =>
          error instanceof LauncherError &&
          error.code === 'invalid-address' &&
          Object.is(error.value, address) &&
          error.message.startsWith('Invalid address '),
      );
  });

test('physical memory: an address stands in the message as the original prints it', () => {
  const memory = new PhysicalMemory(1);
  assert.throws(() => memory.check(0xdead0000, 4), { message: 'Invalid address 0xdead0000' });
});
