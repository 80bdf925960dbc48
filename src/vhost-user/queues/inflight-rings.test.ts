/** An in-flight area that outlives rings: begun anew, of other sizes, with fewer descriptors than it has entries. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InflightArea, inflightBytes } from './inflight.ts';
import { byHand, entry, SIZE } from './test-inflight-area.ts';

/** What an area says that nothing is in flight in, and where the used ring stands. */
const resting: [string, (view: DataView) => void, number][] = [
  ['a ring begun anew', (v) => v.setUint16(14, 40, true), 0],
  ['a ring far on', (v) => v.setUint16(14, 100, true), 100 + SIZE + 1],
  ['a smaller ring before', (v) => v.setUint16(10, SIZE / 2, true), 7],
  ['a larger ring before', (v) => v.setUint16(10, 2 * SIZE, true), 7],
  ['a number of descriptors that there cannot be', (v) => v.setUint16(10, 0xffff, true), 7],
  ['no descriptors', (v) => v.setUint16(10, 0, true), 7],
  ['a last batch that names no head', (v) => v.setUint16(12, 0xffff, true), 7],
  ['what is no flag', (v) => entry(v, 3, 2, 9n), 7],
];
for (const [what, write, usedIdx] of resting)
  test(`recovery: nothing in flight, so that it is this ring’s: ${what}`, () => {
    const { bytes, area } = byHand(write);
    assert.deepEqual([...area.recover(usedIdx)!], []);
    const view = new DataView(bytes.buffer, 64);
    assert.deepEqual([view.getUint16(10, true), view.getUint16(14, true)], [SIZE, usedIdx]);
    area.take(5);
    assert.deepEqual([...new InflightArea(bytes, SIZE, 'q').recover(usedIdx)!], [5], 'and tracked from there');
  });

test('recovery: an area of more entries than the ring has descriptors keeps its number of them', () => {
  const bytes = new Uint8Array(inflightBytes(16));
  const view = new DataView(bytes.buffer);
  const area = new InflightArea(bytes, SIZE, 'q', 16);
  assert.equal(area.recover(3), null);
  area.take(7);
  assert.equal(view.getUint16(10, true), 16);
  assert.deepEqual([...new InflightArea(bytes, SIZE, 'q', 16).recover(3)!], [7]);
  // The ring of 4 is another one.
  const other = () => new InflightArea(bytes, 4, 'q', 16).recover(3);
  assert.throws(other, { code: 'inflight-head-out-of-range', index: 0, value: 7 });
  area.clear(7);
  assert.deepEqual([...other()!], []);
});

test('recovery: what a larger ring finds behind a smaller one’s entries was never in flight', () => {
  const bytes = new Uint8Array(inflightBytes(SIZE)).fill(1);
  const small = () => new InflightArea(bytes, SIZE / 2, 'q');
  InflightArea.forget(bytes);
  assert.equal(small().recover(0), null);
  assert.equal(bytes[16 + 16 * (SIZE - 1)], 1);
  assert.deepEqual([...new InflightArea(bytes, SIZE, 'q').recover(0)!], []);
  assert.deepEqual([...new InflightArea(bytes, SIZE, 'q').recover(0)!], []);
});
