import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TimeLeft } from './time-left.ts';

test('time left: before anything was measured it is what was assumed, or unknown', () => {
  assert.equal(
    new TimeLeft([
      { assumedMs: 100, left: 3 },
      { assumedMs: 7, left: 2 },
    ]).ms(),
    314,
  );
  assert.equal(
    new TimeLeft([
      { assumedMs: 100, left: 3 },
      { assumedMs: null, left: 1 },
    ]).ms(),
    null,
  );
  assert.equal(
    new TimeLeft([
      { assumedMs: 100, left: 3 },
      { assumedMs: null, left: 0 },
    ]).ms(),
    300,
  );
  assert.equal(new TimeLeft([]).ms(), 0);
});

test('time left: what was measured of a kind replaces what was assumed of it, and corrects the others', () => {
  const time = new TimeLeft([
    { assumedMs: 100, left: 3 },
    { assumedMs: 50, left: 4 },
  ]);
  time.finish(0, 300);
  // Two more of 300, and four that take three times what was assumed, too.
  assert.equal(time.ms(), 2 * 300 + 4 * 150);
  time.finish(0, 200);
  time.finish(1, 40);
  assert.equal(time.ms(), 250 + 3 * 40);
});

test('time left: of kinds of which nothing was assumed it is that of any other', () => {
  const time = new TimeLeft([
    { assumedMs: null, left: 2 },
    { assumedMs: null, left: 2 },
  ]);
  time.finish(0, 10);
  assert.equal(time.ms(), 10 + 2 * 10);
});

test('time left: what was measured earlier is not among what is left, and what was not run tells nothing', () => {
  const time = new TimeLeft([
    { assumedMs: 100, left: 2 },
    { assumedMs: 100, left: 2 },
  ]);
  time.add(0, 50);
  assert.equal(time.ms(), 2 * 50 + 2 * 50);
  time.finish(1, null);
  assert.equal(time.ms(), 2 * 50 + 50);
});

test('time left: it comes to nothing at the end', () => {
  const time = new TimeLeft([{ assumedMs: 1, left: 5 }]);
  for (let i = 0; i < 5; i++) time.finish(0, 1000 * i);
  assert.equal(time.ms(), 0);
});
