/** The archive is read back by a strict reader of the newc format. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { archive } from './archive.ts';

const HEADER_BYTES = 110;
const align = (offset: number) => (offset + 3) & ~3;

interface Read {
  path: string;
  mode: number;
  bytes: string;
}

function readArchive(bytes: Buffer): Read[] {
  const entries: Read[] = [];
  for (let offset = 0; ; ) {
    assert.equal(offset % 4, 0);
    assert.equal(bytes.toString('latin1', offset, offset + 6), '070701');
    const field = (index: number) => {
      const text = bytes.toString('latin1', offset + 6 + index * 8, offset + 14 + index * 8);
      assert.match(text, /^[0-9a-f]{8}$/);
      return Number.parseInt(text, 16);
    };
    const [mode, sizeBytes, nameBytes] = [field(1), field(6), field(11)];
    const path = bytes.toString('utf8', offset + HEADER_BYTES, offset + HEADER_BYTES + nameBytes - 1);
    assert.equal(bytes[offset + HEADER_BYTES + nameBytes - 1], 0);
    const start = align(offset + HEADER_BYTES + nameBytes);
    offset = align(start + sizeBytes);
    assert.ok(offset <= bytes.length);
    if (path === 'TRAILER!!!') {
      assert.equal(offset, bytes.length);
      return entries;
    }
    entries.push({ path, mode, bytes: bytes.toString('utf8', start, start + sizeBytes) });
  }
}

test('folders and files of every length modulo 4 come back, names too', () => {
  const files = ['', 'a', 'ab', 'abc', 'abcd', 'abcde'].map((bytes, i) => ({ path: `d/${'n'.repeat(i + 1)}`, bytes }));
  const image = archive([
    { path: 'd', bytes: null },
    ...files.map(({ path, bytes }) => ({ path, bytes: Buffer.from(bytes) })),
    { path: 'plain', bytes: Buffer.from('x'), mode: 0o644 },
  ]);
  assert.deepEqual(readArchive(image), [
    { path: 'd', mode: 0o40755, bytes: '' },
    ...files.map(({ path, bytes }) => ({ path, mode: 0o100755, bytes })),
    { path: 'plain', mode: 0o100644, bytes: 'x' },
  ]);
});

test('an archive of nothing is its trailer', () => assert.deepEqual(readArchive(archive([])), []));
