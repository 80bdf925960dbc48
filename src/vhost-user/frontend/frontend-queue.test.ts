/** A queue whose backend makes the event descriptors that both share block. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeEventfd } from '../../native/eventfd.ts';
import { whyUnavailable } from '../../native/libc.ts';
import { fillAndBlock } from '../../native/odd-blocking.ts';
import { FrontendMemory } from './frontend-memory.ts';
import { FrontendQueue } from './frontend-queue.ts';

const skip = whyUnavailable() ?? false;

test('frontend queue: a kick that its backend made to block is dropped, until another backend has it', { skip }, () => {
  const memory = new FrontendMemory(65536);
  const queue = new FrontendQueue({ index: 0, size: 16, indirectLength: 0, memory }, 1n << 32n);
  try {
    const { kick } = queue.describe(0);
    assert.equal(kick?.kind, 'descriptor');
    const { descriptor } = kick as { descriptor: number };
    fillAndBlock(descriptor);
    // A thousand kicks that block would take minutes, though each is cut short.
    for (let i = 0; i < 1000; i++) queue.kick.ring();
    queue.kick.renew();
    assert.equal(takeEventfd(descriptor), false);
    queue.kick.ring();
    assert.equal(takeEventfd(descriptor), true);
  } finally {
    queue.close();
    memory.close();
  }
});

test('frontend queue: a kick from before its backend was told of it is there for that one', { skip }, () => {
  const memory = new FrontendMemory(65536);
  const queue = new FrontendQueue({ index: 0, size: 16, indirectLength: 0, memory }, 1n << 32n);
  try {
    // A driver offers its receive buffers before the device starts.
    queue.kick.ring();
    const { kick } = queue.describe(0);
    assert.equal(takeEventfd((kick as { descriptor: number }).descriptor), true);
  } finally {
    queue.close();
    memory.close();
  }
});
