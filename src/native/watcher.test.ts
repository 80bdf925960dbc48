import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { closeDescriptor, duplicateDescriptor } from './descriptors.ts';
import { addEventfd, closeEventfd, openEventfd, takeEventfd } from './eventfd.ts';
import { whyUnavailable } from './libc.ts';
import { leavingNoneOpen, openDescriptors } from './test-leaks.ts';
import { receiveBytes, sendBytes, socketPair } from './unix-socket.ts';
import { threadWatcher } from './watcher.ts';

const skip = whyUnavailable() ?? false;
/** Of a test that waits for what does not come. */
const timeout = 60_000;
const watcher = threadWatcher();

/** Turns of the event loop, in each of which every descriptor that is ready is called. */
async function turns(count = 3): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
}

async function withEventfds(count: number, body: (eventfds: number[]) => void | Promise<void>): Promise<void> {
  const eventfds = Array.from({ length: count }, openEventfd);
  try {
    await body(eventfds);
  } finally {
    for (const eventfd of eventfds) {
      watcher.unwatch(eventfd);
      closeEventfd(eventfd);
    }
  }
}

test('native watcher: a callback for every ring, none without one, none after unwatch', { skip, timeout }, () =>
  leavingNoneOpen(() =>
    withEventfds(1, async ([eventfd]) => {
      let calls = 0;
      await new Promise<void>((resolve) => {
        watcher.watch(eventfd!, () => {
          takeEventfd(eventfd!);
          if (++calls === 100) resolve();
          else addEventfd(eventfd!);
        });
        addEventfd(eventfd!);
      });
      await turns();
      assert.equal(calls, 100);
      watcher.unwatch(eventfd!);
      addEventfd(eventfd!);
      await turns();
      assert.equal(calls, 100);
    }),
  ),
);

test('native watcher: what is left unread is called again in the next turn', { skip, timeout }, () =>
  withEventfds(1, async ([eventfd]) => {
    addEventfd(eventfd!);
    await new Promise<void>((resolve) => {
      let calls = 0;
      watcher.watch(eventfd!, () => {
        if (++calls === 3) resolve();
      });
    });
  }),
);

test(
  'native watcher: one that is ready before it is watched is called, but not from within watch',
  { skip, timeout },
  () =>
    withEventfds(1, async ([eventfd]) => {
      addEventfd(eventfd!);
      let within = true;
      await new Promise<void>((resolve) => {
        watcher.watch(eventfd!, () => {
          assert.equal(within, false);
          watcher.unwatch(eventfd!);
          resolve();
        });
        within = false;
      });
    }),
);

test('native watcher: more than are taken at a time, each is called', { skip, timeout }, () =>
  leavingNoneOpen(() =>
    withEventfds(200, async (eventfds) => {
      const called = new Set<number>();
      await new Promise<void>((resolve) => {
        for (const eventfd of eventfds) {
          addEventfd(eventfd);
          watcher.watch(eventfd, () => {
            takeEventfd(eventfd);
            called.add(eventfd);
            if (called.size === eventfds.length) resolve();
          });
        }
      });
      assert.deepEqual(called, new Set(eventfds));
    }),
  ),
);

test('native watcher: one that another callback of the turn has unwatched is not called', { skip, timeout }, () =>
  withEventfds(20, async (eventfds) => {
    const called: number[] = [];
    for (const eventfd of eventfds) {
      addEventfd(eventfd);
      watcher.watch(eventfd, () => {
        called.push(eventfd);
        for (const each of eventfds) watcher.unwatch(each);
      });
    }
    await turns(5);
    assert.equal(called.length, 1);
  }),
);

test(
  'native watcher: an event of an earlier watch of the same number does not call a later one',
  { skip, timeout },
  () =>
    withEventfds(2, async (eventfds) => {
      const fresh = openEventfd();
      const called: string[] = [];
      const numbers = [...eventfds];
      for (const [i, eventfd] of eventfds.entries()) {
        addEventfd(eventfd);
        watcher.watch(eventfd, () => {
          called.push('first');
          const other = numbers[1 - i]!;
          watcher.unwatch(eventfd);
          takeEventfd(eventfd);
          watcher.unwatch(other);
          // The other's number now stands for something else, which is not ready.
          closeEventfd(other);
          eventfds[1 - i] = duplicateDescriptor(fresh);
          assert.equal(eventfds[1 - i], other, 'the number is taken again');
          watcher.watch(other, () => called.push('second'));
        });
      }
      await turns(5);
      assert.deepEqual(called, ['first']);
      closeEventfd(fresh);
    }),
);

test('native watcher: one that unwatched itself and watches again goes on', { skip, timeout }, () =>
  withEventfds(1, async ([eventfd]) => {
    addEventfd(eventfd!);
    await new Promise<void>((resolve) => {
      watcher.watch(eventfd!, () => {
        watcher.unwatch(eventfd!);
        watcher.watch(eventfd!, resolve);
      });
    });
  }),
);

test('native watcher: promises that a callback settles go on before the next turn', { skip, timeout }, () =>
  withEventfds(1, async ([eventfd]) => {
    const order: string[] = [];
    addEventfd(eventfd!);
    await new Promise<void>((resolve) => {
      watcher.watch(eventfd!, () => {
        takeEventfd(eventfd!);
        setImmediate(() => {
          order.push('next turn');
          resolve();
        });
        process.nextTick(() => order.push('tick'));
        Promise.resolve().then(() => order.push('promise'));
      });
    });
    assert.deepEqual(order, ['tick', 'promise', 'next turn']);
  }),
);

test('native watcher: writability is told while it is watched, beside readability', { skip, timeout }, () =>
  leavingNoneOpen(async () => {
    const [here, there] = socketPair();
    const bytes = new Uint8Array(65536);
    while (sendBytes(here, bytes, 0, bytes.length, []) > 0);
    let writable = 0;
    let readable = 0;
    watcher.watch(here, () => {
      readable++;
      receiveBytes(here, bytes, 0, bytes.length, []);
    });
    watcher.watchWritable(here, () => writable++);
    await turns();
    assert.deepEqual([readable, writable], [0, 0]);
    sendBytes(there, bytes, 0, 1, []);
    await turns();
    assert.deepEqual([readable, writable], [1, 0]);
    while (receiveBytes(there, bytes, 0, bytes.length, []) > 0);
    await turns();
    assert.ok(writable > 0);
    watcher.unwatchWritable(here);
    const before = writable;
    sendBytes(there, bytes, 0, 1, []);
    await turns();
    assert.deepEqual([readable, writable], [2, before]);
    watcher.unwatch(here);
    watcher.watchWritable(here, () => watcher.unwatchWritable(here));
    await turns();
    for (const socket of [here, there]) closeDescriptor(socket);
  }),
);

for (const way of ['watch', 'watchWritable'] as const)
  test(`native watcher: by ${way}, one is told of the peer's end`, { skip, timeout }, () =>
    leavingNoneOpen(async () => {
      const [here, there] = socketPair();
      const bytes = new Uint8Array(65536);
      while (sendBytes(here, bytes, 0, bytes.length, []) > 0);
      const told = new Promise<void>((resolve) =>
        watcher[way](here, () => {
          watcher.unwatch(here);
          resolve();
        }),
      );
      closeDescriptor(there);
      await told;
      closeDescriptor(here);
    }),
  );

test('native watcher: what cannot be watched is an error, and leaves nothing behind', { skip, timeout }, () =>
  leavingNoneOpen(() => {
    const file = openSync('/proc/self/exe', 'r');
    assert.throws(() => watcher.watch(file, () => {}), { code: 'EPERM', syscall: 'epoll_ctl' });
    closeSync(file);
    assert.throws(() => watcher.watch(file, () => {}), { code: 'EBADF', syscall: 'epoll_ctl' });
    assert.throws(() => watcher.watch(-1, () => {}), { code: 'EBADF', syscall: 'epoll_ctl' });
    assert.throws(() => watcher.watchWritable(-1, () => {}), { code: 'EBADF', syscall: 'epoll_ctl' });
    watcher.unwatch(file);
    watcher.unwatchWritable(file);
    watcher.unwatch(-1);
  }),
);

test('native watcher: watching twice is an error, and the first goes on', { skip, timeout }, () =>
  withEventfds(1, async ([eventfd]) => {
    let first = 0;
    watcher.watch(eventfd!, () => {
      takeEventfd(eventfd!);
      first++;
    });
    assert.throws(() => watcher.watch(eventfd!, () => assert.fail('the second is called')), {
      code: 'EEXIST',
      message: new RegExp(`descriptor ${eventfd}\\)`),
    });
    const never = () => assert.fail('an eventfd is always writable');
    addEventfd(eventfd!);
    await turns();
    assert.equal(first, 1);
    watcher.unwatch(eventfd!);
    let writable = 0;
    watcher.watchWritable(eventfd!, () => {
      writable++;
      watcher.unwatchWritable(eventfd!);
    });
    assert.throws(() => watcher.watchWritable(eventfd!, never), { code: 'EEXIST' });
    await turns();
    assert.equal(writable, 1);
  }),
);

test(
  'native watcher: closed while it is watched: silence, then unwatch, then the number is as new',
  { skip, timeout },
  () =>
    leavingNoneOpen(async () => {
      const eventfd = openEventfd();
      watcher.watch(eventfd, () => assert.fail('called for what is closed'));
      addEventfd(eventfd);
      closeEventfd(eventfd);
      await turns();
      const again = openEventfd();
      assert.equal(again, eventfd);
      assert.throws(() => watcher.watch(again, () => {}), { code: 'EEXIST' });
      watcher.unwatch(again);
      const rung = new Promise<void>((resolve) => watcher.watch(again, resolve));
      addEventfd(again);
      await rung;
      watcher.unwatch(again);
      closeEventfd(again);
    }),
);

/** Every time that an epoll descriptor of this process has this number. */
function polledNumbers(descriptor: number): string[] {
  const polls = readdirSync('/proc/self/fd').filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`) === 'anon_inode:[eventpoll]';
    } catch {
      return false;
    }
  });
  const polled = polls.flatMap(
    (name) => readFileSync(`/proc/self/fdinfo/${name}`, 'utf8').match(/^tfd:\s*\d+/gm) ?? [],
  );
  return polled.filter((line) => Number(line.slice(4)) === descriptor);
}

test('native watcher: closed while it is watched, but open elsewhere: unwatch still ends it', { skip, timeout }, () =>
  leavingNoneOpen(() =>
    withEventfds(1, async ([other]) => {
      let others = 0;
      watcher.watch(other!, () => {
        takeEventfd(other!);
        others++;
      });
      const eventfd = openEventfd();
      const elsewhere = duplicateDescriptor(eventfd);
      let calls = 0;
      watcher.watch(eventfd, () => calls++);
      closeEventfd(eventfd);
      addEventfd(elsewhere);
      await turns();
      assert.ok(calls > 0, 'the kernel still tells of it');
      assert.equal(polledNumbers(eventfd).length, 1);
      watcher.unwatch(eventfd);
      const before = calls;
      addEventfd(other!);
      await turns();
      assert.deepEqual([calls, others], [before, 1]);
      assert.deepEqual(polledNumbers(eventfd), [], 'the kernel would tell of it for ever');
      closeEventfd(elsewhere);
    }),
  ),
);

test('native watcher: nothing watched is nothing open', { skip, timeout }, () =>
  withEventfds(3, (eventfds) => {
    const before = openDescriptors();
    for (let i = 0; i < 1000; i++) {
      for (const eventfd of eventfds) watcher.watch(eventfd, () => {});
      assert.equal(openDescriptors(), before + 1);
      for (const eventfd of eventfds) watcher.unwatch(eventfd);
      assert.equal(openDescriptors(), before);
    }
  }),
);
