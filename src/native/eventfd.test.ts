import assert from 'node:assert/strict';
import { readdirSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { addEventfd, closeEventfd, openEventfd, takeEventfd } from './eventfd.ts';
import { whyUnavailable } from './libc.ts';
import { ODD_DESCRIPTORS } from './odd-descriptors.ts';
import { waitReadable } from './poll.ts';

const skip = whyUnavailable() ?? false;

/** With a descriptor that is closed afterwards. */
function withEventfd(body: (descriptor: number) => void): void {
  const descriptor = openEventfd();
  try {
    body(descriptor);
  } finally {
    closeEventfd(descriptor);
  }
}

test('native eventfd: everything added is taken at once, then there is nothing', { skip }, () => {
  withEventfd((descriptor) => {
    assert.equal(takeEventfd(descriptor), false);
    for (let i = 0; i < 1000; i++) addEventfd(descriptor);
    assert.equal(waitReadable(descriptor, 0), true);
    assert.equal(takeEventfd(descriptor), true);
    assert.equal(takeEventfd(descriptor), false);
    assert.equal(waitReadable(descriptor, 0), false);
  });
});

test('native eventfd: one more than a full counter holds is neither an error nor a wait', { skip }, () => {
  withEventfd((descriptor) => {
    writeSync(descriptor, new Uint8Array(new BigUint64Array([2n ** 64n - 2n]).buffer));
    addEventfd(descriptor);
    assert.equal(takeEventfd(descriptor), true);
    assert.equal(takeEventfd(descriptor), false);
  });
});

test('native eventfd: a closed descriptor is an error that names the call', { skip }, () => {
  const descriptor = openEventfd();
  closeEventfd(descriptor);
  const cases: [syscall: string, call: () => void][] = [
    ['eventfd_write', () => addEventfd(descriptor)],
    ['read', () => takeEventfd(descriptor)],
    ['close', () => closeEventfd(descriptor)],
  ];
  for (const [syscall, call] of cases) assert.throws(call, { code: 'EBADF', syscall });
  assert.equal(waitReadable(descriptor, 1000), true, 'the call that follows a wait tells what is wrong');
});

test('native eventfd: what ends, or gives other than eight bytes, is an error and no nothing', { skip }, () => {
  for (const kind of ['a socket with three bytes', 'a socket that has ended'] as const) {
    const { descriptor, close } = ODD_DESCRIPTORS[kind]();
    try {
      assert.throws(() => takeEventfd(descriptor), { code: 'EINVAL', syscall: 'read' }, kind);
    } finally {
      close();
    }
  }
});

test('native eventfd: many of them leave no descriptor open', { skip }, () => {
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  for (let i = 0; i < 5000; i++) closeEventfd(openEventfd());
  const some = Array.from({ length: 10 }, openEventfd);
  assert.equal(open(), before + some.length);
  for (const descriptor of some) closeEventfd(descriptor);
  assert.equal(open(), before);
});

test('native eventfd: a thread closes what it opened without a warning', { skip }, async () => {
  const program = `
    const { openEventfd, closeEventfd } = await import(${JSON.stringify(new URL('./eventfd.js', import.meta.url).href)});
    closeEventfd(openEventfd());
  `;
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on('warning', note);
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`), { stderr: true });
  let printed = '';
  worker.stderr.on('data', (data) => {
    printed += data;
  });
  assert.equal(await new Promise((resolve) => worker.once('exit', resolve)), 0);
  process.off('warning', note);
  assert.deepEqual([warnings, printed], [[], '']);
});
