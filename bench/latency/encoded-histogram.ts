/**
 * Reads a histogram as records hold it: HDR, V2, compressed, base64; `histogram.ts` makes it. A record may be a
 * stranger's: nothing that a text says is believed, and reading one takes bounded memory and time. Main thread.
 */
import { inflateSync } from 'node:zlib';
import { BUCKETS, LAST_BUCKET, LATENCY_NS_MAX, SIGNIFICANT_DIGITS } from './buckets.ts';

/** Before the compressed bytes: a cookie and their length. */
const COMPRESSED_COOKIE = 0x1c849314;
const COMPRESSED_AT = 8;

/** Before the counts: a cookie, their length in bytes, an offset that is not used, the range, a ratio that is not used. */
const COOKIE = 0x1c849313;
const RANGE_AT = 12;
const COUNTS_AT = 40;

/** Digits, lowest and highest value: all histograms of records have these. */
const RANGE = Buffer.alloc(20);
RANGE.writeUInt32BE(SIGNIFICANT_DIGITS, 0);
RANGE.writeBigUInt64BE(1n, 4);
RANGE.writeBigUInt64BE(BigInt(LATENCY_NS_MAX), 12);

/** A count is a word of seven bits a byte: an even one is twice the count, an odd one skips empty buckets. */
const WORD_BYTES_MAX = 8;
/** Of a byte that is not its word's last; the bits below it are the word's. */
const MORE = 0x80;
const BYTES_MAX = COUNTS_AT + WORD_BYTES_MAX * BUCKETS;
/** What deflate may add to bytes that it cannot shorten. */
const DEFLATE_BYTES_MAX = 1024;
const TEXT_LENGTH_MAX = 4 * Math.ceil((COMPRESSED_AT + BYTES_MAX + DEFLATE_BYTES_MAX) / 3);

/** How many samples a histogram has, or why a text is none. */
export type ReadHistogram = { samples: number } | { why: string };

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Tells `take` each bucket that has samples, in order, and how many; of a text that is no histogram perhaps some. */
export function readCounts(text: string, take: (bucket: number, count: number) => void): ReadHistogram {
  if (text.length > TEXT_LENGTH_MAX) return { why: `a histogram of more than ${TEXT_LENGTH_MAX} characters` };
  if (text.length % 4 !== 0 || !BASE64.test(text)) return { why: 'a histogram that is not base64' };
  const compressed = Buffer.from(text, 'base64');
  if (compressed.length < COMPRESSED_AT || compressed.readUInt32BE(0) !== COMPRESSED_COOKIE)
    return { why: 'not a compressed HDR histogram of version 2' };
  if (compressed.readUInt32BE(4) !== compressed.length - COMPRESSED_AT)
    return { why: 'a histogram of another length than it says' };
  const bytes = inflated(compressed.subarray(COMPRESSED_AT));
  return typeof bytes === 'string' ? { why: bytes } : readBytes(bytes, take);
}

/** The bytes, or why there are none. */
function inflated(compressed: Buffer): Buffer | string {
  try {
    return inflateSync(compressed, { maxOutputLength: BYTES_MAX });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
      ? `a histogram of more than ${BYTES_MAX} bytes`
      : `a histogram that cannot be inflated: ${(error as Error).message}`;
  }
}

function readBytes(bytes: Buffer, take: (bucket: number, count: number) => void): ReadHistogram {
  if (bytes.length < COUNTS_AT || bytes.readUInt32BE(0) !== COOKIE) return { why: 'not an HDR histogram of version 2' };
  if (bytes.readUInt32BE(4) !== bytes.length - COUNTS_AT) return { why: 'a histogram of another length than it says' };
  if (bytes.compare(RANGE, 0, RANGE.length, RANGE_AT, RANGE_AT + RANGE.length) !== 0)
    return { why: 'a histogram of another range than three digits, 1 ns to a day' };
  let samples = 0;
  let bucket = 0;
  for (let at = COUNTS_AT; at < bytes.length; ) {
    let word = bytes[at++]!;
    if (word >= MORE) {
      const end = wordEnd(bytes, at);
      if (end === null) return { why: 'a histogram with half a count, or one too large' };
      word = word - MORE + MORE * wordAt(bytes, at, end);
      at = end;
    }
    if (word % 2 === 1) {
      bucket += (word + 1) / 2;
    } else {
      const count = word / 2;
      samples += count;
      if (!Number.isSafeInteger(samples)) return { why: 'a histogram of more samples than can be counted' };
      if (count > 0 && bucket > LAST_BUCKET) return { why: 'a histogram with a sample of more than a day' };
      if (count > 0) take(bucket, count);
      bucket++;
    }
    if (bucket > BUCKETS) return { why: `a histogram of more than ${BUCKETS} buckets` };
  }
  return { samples };
}

/** Where the rest of a word ends that goes on at `at`; null: it does not end, or has too many bytes. */
function wordEnd(bytes: Buffer, at: number): number | null {
  for (let end = at; end < bytes.length && end < at + WORD_BYTES_MAX - 1; end++) if (bytes[end]! < MORE) return end + 1;
  return null;
}

/** Low bits first. Beyond 2^53 it is not exact, which no count is. */
function wordAt(bytes: Buffer, at: number, end: number): number {
  let word = 0;
  for (let i = end - 1; i >= at; i--) word = word * MORE + (bytes[i]! & (MORE - 1));
  return word;
}
