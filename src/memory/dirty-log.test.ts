import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DirtyLog, DirtyLogError, LOG_PAGE_SIZE } from './dirty-log.ts';

const PAGES = 64;
const END = PAGES * LOG_PAGE_SIZE;

/** A log in the middle of a buffer, so that what stands around it can be looked at. */
function setUp(shared = false) {
  const buffer = shared ? new SharedArrayBuffer(PAGES / 8 + 16) : new ArrayBuffer(PAGES / 8 + 16);
  const log = new DirtyLog(new Uint8Array(buffer, 8, PAGES / 8));
  const bytes = new Uint8Array(buffer);
  const pages = () => {
    assert.ok(
      [...bytes.subarray(0, 8), ...bytes.subarray(-8)].every((byte) => byte === 0),
      'nothing beside the log',
    );
    return Array.from({ length: PAGES }, (_, i) => i).filter((i) => (bytes[8 + (i >> 3)]! & (1 << (i & 7))) !== 0);
  };
  return { log, pages };
}

const marks: [string, number, number, number[]][] = [
  // what, address, length, pages
  ['nothing', 5 * LOG_PAGE_SIZE, 0, []],
  ['one byte', 5 * LOG_PAGE_SIZE, 1, [5]],
  ['the last byte of a page', 6 * LOG_PAGE_SIZE - 1, 1, [5]],
  ['one whole page', 5 * LOG_PAGE_SIZE, LOG_PAGE_SIZE, [5]],
  ['two bytes over a border', 6 * LOG_PAGE_SIZE - 1, 2, [5, 6]],
  ['a page and its neighbours', 5 * LOG_PAGE_SIZE - 1, LOG_PAGE_SIZE + 2, [4, 5, 6]],
  [
    'pages of three bytes of the log',
    6 * LOG_PAGE_SIZE,
    12 * LOG_PAGE_SIZE,
    [6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17],
  ],
  ['the first page', 0, 1, [0]],
  ['the last byte', END - 1, 1, [PAGES - 1]],
  ['everything', 0, END, Array.from({ length: PAGES }, (_, i) => i)],
];
for (const shared of [false, true])
  for (const [what, address, length, expected] of marks)
    test(`dirty log: ${what} marks every page that it touches${shared ? ', shared' : ''}`, () => {
      const { log, pages } = setUp(shared);
      log.mark(address, length);
      assert.deepEqual(pages(), expected);
      assert.equal(log.takeMarked(), expected.length > 0);
      assert.equal(log.takeMarked(), false);
    });

test('dirty log: marks add up', () => {
  const { log, pages } = setUp();
  log.mark(0, 1);
  log.mark(3 * LOG_PAGE_SIZE, 1);
  log.mark(0, 1);
  assert.deepEqual(pages(), [0, 3]);
});

for (const [address, length] of [
  [END, 1],
  [END - 1, 2],
  [0, END + 1],
  [END - LOG_PAGE_SIZE, 0xffffffff],
  [2 ** 40, 1],
  [2 ** 53, 4096],
  [2 ** 64, 1],
  [-1, 1],
  [-4096, 8192],
  [Number.NaN, 1],
] as const)
  test(`row 23: a mark of ${length} bytes at ${address} is refused, and marks nothing`, () => {
    const { log, pages } = setUp();
    assert.throws(
      () => log.mark(address, length),
      (error) => {
        assert.ok(error instanceof DirtyLogError);
        assert.deepEqual([error.code, error.address, error.length], ['dirty-log-too-short', address, length]);
        return true;
      },
    );
    assert.deepEqual(pages(), []);
    assert.equal(log.takeMarked(), false);
  });

for (const [end, expected] of [
  [0, true],
  [1, true],
  [END, true],
  [END + 1, false],
  [2 ** 53, false],
] as const)
  test(`dirty log: ${expected ? 'covers' : 'does not cover'} addresses below ${end}`, () => {
    assert.equal(setUp().log.covers(end), expected);
  });

test('dirty log: one of no bytes is refused', () => {
  assert.throws(() => new DirtyLog(new Uint8Array(0)), RangeError);
});

test('dirty log: bits of pages high above, in a log of its full size', () => {
  const bytes = new Uint8Array(2 ** 21);
  const log = new DirtyLog(bytes);
  const address = 2 ** 36 - 1;
  log.mark(address, 1);
  assert.equal(bytes.at(-1), 0x80);
  assert.equal(bytes.indexOf(0x80), bytes.length - 1);
});
