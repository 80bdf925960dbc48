/** Texts in place of a record's histogram that are none, for tests of all that reads records. */
import { deflateSync } from 'node:zlib';
import { BUCKETS, LATENCY_NS_MAX, SIGNIFICANT_DIGITS } from './buckets.ts';
import { encodedHistogram } from './histogram.ts';

/** A count; or, negative, as many empty buckets. */
function wordOf(count: number): number[] {
  let word = count < 0 ? -2 * count - 1 : 2 * count;
  const bytes: number[] = [];
  for (; word >= 0x80; word = Math.floor(word / 0x80)) bytes.push((word % 0x80) + 0x80);
  return [...bytes, word];
}

interface Header {
  cookie: number;
  /** More than there are bytes of counts. */
  longer: number;
  digits: number;
  highest: number;
}

/** The bytes within: a header and the counts. */
export function bytesOf(counts: readonly number[] | Buffer, change: Partial<Header> = {}): Buffer {
  const { cookie = 0x1c849313, longer = 0, digits = SIGNIFICANT_DIGITS, highest = LATENCY_NS_MAX } = change;
  const words = Buffer.isBuffer(counts) ? counts : Buffer.from(counts.flatMap(wordOf));
  const header = Buffer.alloc(40);
  header.writeUInt32BE(cookie, 0);
  header.writeUInt32BE(words.length + longer, 4);
  header.writeUInt32BE(digits, 12);
  header.writeBigUInt64BE(1n, 16);
  header.writeBigUInt64BE(BigInt(highest), 24);
  return Buffer.concat([header, words]);
}

/** The text of those bytes, or of what is in place of them once they are compressed. */
export function textOf(
  bytes: Buffer,
  { cookie = 0x1c849314, longer = 0, compressed = deflateSync(bytes) } = {},
): string {
  const outer = Buffer.alloc(8);
  outer.writeUInt32BE(cookie, 0);
  outer.writeUInt32BE(compressed.length + longer, 4);
  return Buffer.concat([outer, compressed]).toString('base64');
}

/** A histogram of these counts, bucket by bucket; negative: as many empty buckets. */
export const histogramOf = (...counts: readonly number[]): string => textOf(bytesOf(counts));

const good = encodedHistogram(Float64Array.of(5000, 7000));

/** Without a sample: it can be added to others, but no record has it. */
export const EMPTY_HISTOGRAM = histogramOf(0);

export const BROKEN_HISTOGRAMS: readonly [what: string, text: string, why: RegExp][] = [
  ['nothing', '', /^not a compressed HDR histogram of version 2$/],
  ['three bytes', 'AAAA', /^not a compressed HDR histogram of version 2$/],
  ['text', 'no histogram at all!', /^a histogram that is not base64$/],
  ['base64 of another alphabet', good.replace(/^..../, '-_-_'), /not base64$/],
  ['a lone character more', `${good}A`, /not base64$/],
  ['one that is cut off', good.slice(0, -8), /^a histogram of another length than it says$/],
  [
    'one and a byte more',
    Buffer.concat([Buffer.from(good, 'base64'), Buffer.of(0)]).toString('base64'),
    /another length than it says$/,
  ],
  ['another cookie', textOf(bytesOf([1]), { cookie: 0x1c849303 }), /^not a compressed HDR histogram/],
  ['a length that is not its own', textOf(bytesOf([1]), { longer: 1 }), /^a histogram of another length than it says$/],
  [
    'no deflated bytes',
    textOf(bytesOf([]), { compressed: Buffer.alloc(50, 7) }),
    /^a histogram that cannot be inflated: /,
  ],
  [
    'half of its deflated bytes',
    textOf(bytesOf([]), { compressed: deflateSync(bytesOf([1, 2])).subarray(0, 20) }),
    /^a histogram that cannot be inflated: /,
  ],
  ['nothing, deflated', textOf(Buffer.alloc(0)), /^not an HDR histogram of version 2$/],
  ['another cookie within', textOf(bytesOf([1], { cookie: 0x1c849301 })), /^not an HDR histogram of version 2$/],
  [
    'a length within that is not its own',
    textOf(bytesOf([1], { longer: 1000 })),
    /^a histogram of another length than it says$/,
  ],
  [
    'five digits',
    textOf(bytesOf([1], { digits: 5 })),
    /^a histogram of another range than three digits, 1 ns to a day$/,
  ],
  ['a longest value of 2^53', textOf(bytesOf([1], { highest: 2 ** 53 })), /another range/],
  ['a bomb', textOf(Buffer.alloc(32 * 2 ** 20)), /^a histogram of more than \d+ bytes$/],
  ['a text without an end', 'A'.repeat(2_000_000), /^a histogram of more than \d+ characters$/],
  ['more buckets than there are', histogramOf(1, -BUCKETS, 1), /^a histogram of more than 38912 buckets$/],
  ['2^40 empty buckets', histogramOf(1, -(2 ** 40)), /^a histogram of more than 38912 buckets$/],
  [
    'as many counts as a text can have',
    textOf(bytesOf(Buffer.alloc(BUCKETS + 1, 2))),
    /more than (a day|38912 buckets)$/,
  ],
  ['a sample of more than a day', histogramOf(-(BUCKETS - 1), 1), /^a histogram with a sample of more than a day$/],
  ['half a count', textOf(bytesOf(Buffer.of(2, 0x82))), /^a histogram with half a count, or one too large$/],
  ['a count of nine bytes', textOf(bytesOf(Buffer.of(...Array(8).fill(0xff), 1))), /half a count, or one too large$/],
  ['a count beyond 2^53', histogramOf(2 ** 54), /^a histogram of more samples than can be counted$/],
  ['counts that together are', histogramOf(2 ** 52, 2 ** 52, 1), /more samples than can be counted$/],
];
