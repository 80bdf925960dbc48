import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { test } from 'node:test';
import { closeDescriptor } from './descriptors.ts';
import { mapFile } from './mapping.ts';
import { openMemfd } from './memfd.ts';
import { isInherited, leavingNoneOpen } from './test-leaks.ts';
import { PAGE, PAGES, SIZE, Toucher, whyNoUserfaultfd } from './test-toucher.ts';
import {
  copyPages,
  openUserfaultfd,
  registerMissing,
  takeFault,
  unregister,
  wakeRange,
  zeroPages,
} from './userfaultfd.ts';
import { threadWatcher } from './watcher.ts';

const skip = whyNoUserfaultfd();
/** Of a test that waits for what does not come. */
const timeout = 60_000;

/** The next fault, which the watcher tells of. */
async function nextFault(uffd: number): Promise<number> {
  await new Promise<void>((resolve) => {
    threadWatcher().watch(uffd, () => {
      threadWatcher().unwatch(uffd);
      resolve();
    });
  });
  return takeFault(uffd);
}

/** With a registered range that another thread touches. However it ends, the thread is released. */
function withToucher(body: (uffd: number, toucher: Toucher, address: number) => Promise<void>): Promise<void> {
  return leavingNoneOpen(async () => {
    const uffd = openUserfaultfd();
    const toucher = new Toucher();
    try {
      const address = await toucher.next();
      registerMissing(uffd, address, SIZE);
      await body(uffd, toucher, address);
    } finally {
      closeDescriptor(uffd);
      await toucher.end();
    }
  });
}

const pageOf = (byte: number) => new Uint8Array(PAGE).fill(byte);

type Serve = (uffd: number, address: number, file: number, page: number) => void;

const ways: [what: string, page: number, expected: number, serve: Serve][] = [
  ['a page that is copied', 3, 7, (uffd, address) => copyPages(uffd, address, pageOf(7))],
  ['more pages than are copied at a time', 1, 9, (uffd, address) => copyPages(uffd, address, pagesOf(9, PAGES - 1))],
  ['zeroes', 0, 0, (uffd, address) => zeroPages(uffd, address, PAGE)],
  ['zeroes, many', 0, 0, (uffd, address) => zeroPages(uffd, address, SIZE)],
  [
    'a page written to the file, and a wake',
    PAGES - 1,
    5,
    (uffd, address, file, page) => {
      writeSync(file, pageOf(5), 0, PAGE, page * PAGE);
      wakeRange(uffd, address, PAGE);
    },
  ],
  ['none: the range is no longer registered', 2, 0, (uffd, address) => unregister(uffd, address - 2 * PAGE, SIZE)],
];

function pagesOf(byte: number, count: number): Uint8Array {
  return new Uint8Array(count * PAGE).fill(byte);
}

for (const [what, page, expected, serve] of ways)
  test(
    `native userfaultfd: a thread that touches what is missing sleeps until it is served: ${what}`,
    { skip, timeout },
    () =>
      withToucher(async (uffd, toucher, address) => {
        assert.equal(takeFault(uffd), -1);
        let answered = false;
        const answer = toucher.touch(page).finally(() => {
          answered = true;
        });
        assert.equal(await nextFault(uffd), address + page * PAGE);
        assert.equal(takeFault(uffd), -1, 'told once');
        await new Promise(setImmediate);
        assert.equal(answered, false);
        serve(uffd, address + page * PAGE, toucher.file, page);
        assert.equal(await answer, expected);
      }),
  );

test('native userfaultfd: every page of a large copy arrives', { skip, timeout }, () =>
  withToucher(async (uffd, toucher, address) => {
    const bytes = new Uint8Array(SIZE).map((_, i) => 1 + Math.floor(i / PAGE));
    copyPages(uffd, address, bytes);
    for (let page = 0; page < PAGES; page++) assert.equal(await toucher.touch(page), page + 1);
    assert.equal(takeFault(uffd), -1);
  }),
);

test('native userfaultfd: a closed one releases who sleeps', { skip, timeout }, () =>
  leavingNoneOpen(async () => {
    const uffd = openUserfaultfd();
    const toucher = new Toucher();
    registerMissing(uffd, await toucher.next(), SIZE);
    const answer = toucher.touch(4);
    await nextFault(uffd);
    closeDescriptor(uffd);
    assert.equal(await answer, 0);
    await toucher.end();
  }),
);

test('native userfaultfd: a page that is there, and what is no range, name themselves', { skip, timeout }, () =>
  leavingNoneOpen(() => {
    const uffd = openUserfaultfd();
    assert.equal(isInherited(uffd), false);
    const file = openMemfd('range', SIZE);
    const mapping = mapFile(file, { offsetBytes: 0, sizeBytes: SIZE });
    const { address } = mapping;
    registerMissing(uffd, address, SIZE);
    copyPages(uffd, address, pageOf(1));
    const cases: [code: string, what: RegExp, call: () => void][] = [
      ['EEXIST', /UFFDIO_COPY 4096 bytes at 0x[0-9a-f]+\)/, () => copyPages(uffd, address, pageOf(2))],
      ['EINVAL', /UFFDIO_COPY 100 bytes/, () => copyPages(uffd, address, new Uint8Array(100))],
      ['ENOENT', /UFFDIO_COPY/, () => copyPages(uffd, 4096, pageOf(1))],
      ['EINVAL', /UFFDIO_ZEROPAGE 1 bytes/, () => zeroPages(uffd, address + PAGE, 1)],
      ['EINVAL', /UFFDIO_REGISTER 4096 bytes at 0x1000\)/, () => registerMissing(uffd, 4096, 4096)],
      ['EINVAL', /UFFDIO_UNREGISTER 5 bytes/, () => unregister(uffd, address, 5)],
      ['EINVAL', /UFFDIO_WAKE 5 bytes/, () => wakeRange(uffd, address, 5)],
    ];
    for (const [code, message, call] of cases) assert.throws(call, { code, message, syscall: 'ioctl' });
    assert.equal(new Uint8Array(mapping.buffer)[0], 1);
    // What is closed is no longer registered: nobody would sleep for its zeroes.
    mapping.close();
    assert.throws(() => copyPages(uffd, address + PAGE, pageOf(1)), { code: 'ENOENT' });
    closeDescriptor(file);
    closeDescriptor(uffd);
    assert.throws(() => takeFault(uffd), { code: 'EBADF', syscall: 'read' });
  }),
);
