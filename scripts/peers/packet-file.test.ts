/** What is lost, changed, doubled or out of order is seen, wherever it stands. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkPacketFile, packetBytes, writePacketFile } from './packet-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'packet-file-'));
after(() => rmSync(folder, { recursive: true }));

/** Longer than one piece of reading and of writing. */
const COUNT = 30_000;
const path = join(folder, 'packets');
writePacketFile(path, COUNT);
const good = readFileSync(path);
const RECORD_HEADER_BYTES = 16;
const offsets: number[] = [];
for (let number = 0, offset = 24; number <= COUNT; number++) {
  offsets.push(offset);
  offset += RECORD_HEADER_BYTES + packetBytes(number);
}
const record = (number: number) => good.subarray(offsets[number]!, offsets[number + 1]!);
const until = (number: number) => good.subarray(0, offsets[number]!);
const from = (number: number) => good.subarray(offsets[number]!);
const changed = (at: number) => {
  const bytes = Buffer.from(good);
  bytes[at]! ^= 1;
  return bytes;
};

test('what was written is right', () => checkPacketFile(path, COUNT));

const cases = [
  // what, file, complaint
  ['the first lost', [until(0), from(1)], 'place 0: packet 1'],
  ['one lost in the middle', [until(20_000), from(20_001)], 'place 20000: packet 20001'],
  ['the last lost', [until(COUNT - 1)], `${COUNT - 1} packets came back of ${COUNT}`],
  ['two in the wrong order', [until(5), record(6), record(5), from(7)], 'place 5: packet 6'],
  ['one twice', [until(5), record(4), from(5)], 'place 5: packet 4'],
  ['one too many', [good, record(3)], `place ${COUNT}: packet 3`],
  ['the next one after the last', [good, record(COUNT - 1)], `place ${COUNT}: packet ${COUNT - 1}`],
  ['a byte of the filling', [changed(offsets[7]! + RECORD_HEADER_BYTES + 30)], 'packet 7 came back changed'],
  ['a byte of an address', [changed(offsets[7]! + RECORD_HEADER_BYTES)], 'packet 7 came back changed'],
  ['cut in a packet', [good.subarray(0, -1)], 'the capture file is cut off'],
  ['cut in a header', [until(9), record(9).subarray(0, 3)], 'the capture file is cut off'],
  ['empty', [], 'no capture file'],
  ['of another kind', [changed(0)], 'no capture file'],
] as const;
for (const [what, parts, complaint] of cases)
  test(`a capture file: ${what}`, () => {
    const bad = join(folder, 'bad');
    writeFileSync(bad, Buffer.concat([...parts]));
    assert.throws(() => checkPacketFile(bad, COUNT), new RegExp(`^Error: ${complaint}`));
  });
