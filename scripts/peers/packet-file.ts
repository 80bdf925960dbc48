/**
 * Numbered packets in a capture file (pcap), written before a run and checked after it: what was lost, changed, given
 * twice or out of order is named. Reads and writes pieces, not whole files: a million packets are 100 MB.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { Failure } from './failure.ts';

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
/** Both of microseconds and of nanoseconds, little-endian. */
const MAGICS = [0xa1b2c3d4, 0xa1b23c4d];
const SNAP_BYTES = 0xffff;
const LINKTYPE_ETHERNET = 1;
const PIECE_BYTES = 1 << 20;

const MIN_BYTES = 60;
/** Lengths repeat after a prime number of packets, so that no ring size divides it. */
const LENGTHS = 61;
const MAX_BYTES = MIN_BYTES + LENGTHS - 1;
/** A test's own protocol number, [RFC 9542 §B.2]: nobody answers. */
const ETHERTYPE = 0x88b5;
const NUMBER_OFFSET = 14;
/** Any odd multiplier spreads the number over the filling. */
const FILL = 0x9e3779b1;

export const packetBytes = (number: number): number => MIN_BYTES + (number % LENGTHS);

/** Writes packet `number` at `offset`: broadcast, its number, and a filling that follows from the number. */
export function writePacket(into: Buffer, offset: number, number: number): void {
  into.fill(0xff, offset, offset + 6);
  into.writeUIntBE(0x020000000001, offset + 6, 6);
  into.writeUInt16BE(ETHERTYPE, offset + 12);
  into.writeUInt32BE(number, offset + NUMBER_OFFSET);
  into.fill(Math.imul(number, FILL) >>> 24, offset + NUMBER_OFFSET + 4, offset + packetBytes(number));
}

function fileHeader(): Buffer {
  const header = Buffer.alloc(FILE_HEADER_BYTES);
  header.writeUInt32LE(MAGICS[0]!, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(SNAP_BYTES, 16);
  header.writeUInt32LE(LINKTYPE_ETHERNET, 20);
  return header;
}

/** Packets 0 to `count` - 1. */
export function writePacketFile(path: string, count: number): void {
  const file = openSync(path, 'w');
  try {
    writeSync(file, fileHeader());
    const piece = Buffer.alloc(PIECE_BYTES);
    let used = 0;
    for (let number = 0; number < count; number++) {
      if (used + RECORD_HEADER_BYTES + MAX_BYTES > piece.length) {
        writeSync(file, piece, 0, used);
        used = 0;
      }
      const length = packetBytes(number);
      piece.writeBigUInt64LE(0n, used);
      piece.writeUInt32LE(length, used + 8);
      piece.writeUInt32LE(length, used + 12);
      writePacket(piece, used + RECORD_HEADER_BYTES, number);
      used += RECORD_HEADER_BYTES + length;
    }
    writeSync(file, piece, 0, used);
  } finally {
    closeSync(file);
  }
}

/** Reads a file in pieces and hands out ranges of it. */
class PieceReader {
  private readonly file: number;
  private readonly piece = Buffer.alloc(PIECE_BYTES);
  private start = 0;
  private end = 0;

  constructor(file: number) {
    this.file = file;
  }

  /** The next `length` bytes, valid until the next call; null at the end of the file. @throws Failure when it is cut */
  take(length: number): Buffer | null {
    if (this.end - this.start < length) this.refill(length);
    if (this.end === this.start) return null;
    if (this.end - this.start < length) throw new Failure('the capture file is cut off');
    this.start += length;
    return this.piece.subarray(this.start - length, this.start);
  }

  private refill(length: number): void {
    this.piece.copyWithin(0, this.start, this.end);
    this.end -= this.start;
    this.start = 0;
    while (this.end < length) {
      const count = readSync(this.file, this.piece, this.end, this.piece.length - this.end, null);
      if (count === 0) return;
      this.end += count;
    }
  }
}

/** @throws Failure unless the file holds packets 0 to `count` - 1, each once, in order, to the byte. */
export function checkPacketFile(path: string, count: number): void {
  const file = openSync(path, 'r');
  try {
    const reader = new PieceReader(file);
    const magic = reader.take(FILE_HEADER_BYTES)?.readUInt32LE(0) ?? 0;
    if (!MAGICS.includes(magic)) throw new Failure(`no capture file: it begins with 0x${magic.toString(16)}`);
    const expected = Buffer.alloc(MAX_BYTES);
    for (let number = 0; ; number++) {
      const header = reader.take(RECORD_HEADER_BYTES);
      if (header === null) {
        if (number !== count) throw new Failure(`${number} packets came back of ${count}`);
        return;
      }
      const length = header.readUInt32LE(8);
      if (length > SNAP_BYTES) throw new Failure(`packet ${number} of the capture file has ${length} bytes`);
      const packet = reader.take(length) ?? Buffer.alloc(0);
      writePacket(expected, 0, number);
      if (!packet.equals(expected.subarray(0, packetBytes(number)))) throw new Failure(describe(packet, number));
    }
  } finally {
    closeSync(file);
  }
}

function describe(packet: Buffer, number: number): string {
  if (packet.length < MIN_BYTES) return `place ${number}: a packet of ${packet.length} bytes`;
  const found = packet.readUInt32BE(NUMBER_OFFSET);
  return found === number ? `packet ${number} came back changed` : `place ${number}: packet ${found}`;
}
