import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDynamic } from './elf.ts';

/** A file with program headers of these types. */
function elf(...types: number[]): Buffer {
  const bytes = Buffer.alloc(0x40 + 0x38 * types.length);
  bytes.write('\x7fELF', 'latin1');
  bytes.writeBigUInt64LE(0x40n, 0x20);
  bytes.writeUInt16LE(0x38, 0x36);
  bytes.writeUInt16LE(types.length, 0x38);
  for (const [i, type] of types.entries()) bytes.writeUInt32LE(type, 0x40 + 0x38 * i);
  return bytes;
}

const cases = [
  ['with an interpreter', elf(6, 3, 1), true],
  ['without', elf(1, 1, 4), false],
  ['cut before its headers', elf(3).subarray(0, 0x40), false],
  ['a script', Buffer.from(`#!/bin/sh\n${' '.repeat(100)}`), false],
  ['empty', Buffer.alloc(0), false],
] as const;
for (const [what, bytes, expected] of cases)
  test(`a program ${what} ${expected ? 'needs' : 'does not need'} libraries`, () =>
    assert.equal(isDynamic(bytes), expected));
