import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigWrites } from './config-writes.ts';

const SIZE = 16;

test('config writes: made again they leave what all have left, and are few', () => {
  let state = 12345;
  const below = (end: number) => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return (state >> 8) % end;
  };
  const writes = new ConfigWrites();
  const config = new Uint8Array(SIZE);
  for (let i = 0; i < 2000; i++) {
    const offset = below(SIZE);
    const bytes = new Uint8Array(below(SIZE - offset + 1)).fill(1 + below(255));
    config.set(bytes, offset);
    writes.add(offset, bytes);
    const again = new Uint8Array(SIZE);
    for (const one of writes.all) again.set(one.bytes, one.offset);
    assert.deepEqual(again, config);
    assert.ok(writes.all.length <= SIZE, `${writes.all.length} writes`);
  }
});
