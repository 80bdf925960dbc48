import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventLog, LINES_MAX } from './event-log.ts';
import type { ServerEvent } from './server.ts';

/** A log whose windows end when the test says so. */
function stage() {
  const lines: string[] = [];
  let windowEnds: (() => void) | null = null;
  const log = new EventLog({
    name: 'net',
    write: (line) => lines.push(line),
    every(act) {
      windowEnds = act;
      return () => {
        windowEnds = null;
      };
    },
  });
  const take = () => lines.splice(0);
  return { log, take, endWindow: () => windowEnds?.(), isTicking: () => windowEnds !== null };
}

const CONNECTED: ServerEvent = { kind: 'connected' };
const GONE: ServerEvent = { kind: 'disconnected', error: null };
const times = (count: number, act: (i: number) => void) => {
  for (let i = 0; i < count; i++) act(i);
};

test('event log: few lines are written as they are', () => {
  const { log, take, endWindow, isTicking } = stage();
  for (let window = 0; window < 3; window++) {
    times(LINES_MAX, () => log.tell(CONNECTED));
    assert.deepEqual(take(), Array(LINES_MAX).fill('net: connected'));
    endWindow();
  }
  assert.equal(isTicking(), true);
  endWindow();
  assert.equal(isTicking(), false, 'nothing happens: no timer');
  log.close();
  assert.deepEqual(take(), []);
});

test('event log: a frontend that comes and goes a million times is counted', () => {
  const { log, take, endWindow } = stage();
  const comeAndGo = (count: number) =>
    times(count, () => {
      log.tell(CONNECTED);
      log.tell(GONE);
    });
  comeAndGo(500_000);
  const first = take();
  assert.equal(first.length, LINES_MAX + 1);
  assert.equal(first.at(-1), 'net: more than 20 lines in 60 s: the rest is counted');
  endWindow();
  assert.deepEqual(take(), ['net: counted: 499,990 × connected, 499,990 × disconnected; the last: disconnected']);
  // On and on: a line a window.
  comeAndGo(500_000);
  assert.deepEqual(take(), []);
  endWindow();
  assert.deepEqual(take(), ['net: counted: 500,000 × connected, 500,000 × disconnected; the last: disconnected']);
  // A window with little in it is counted still; then lines are written again.
  comeAndGo(2);
  endWindow();
  assert.deepEqual(take(), ['net: counted: 2 × connected, 2 × disconnected; the last: disconnected']);
  comeAndGo(1);
  assert.deepEqual(take(), ['net: connected', 'net: disconnected']);
});

test('event log: what differs in every line is counted, too, and the end tells of it', () => {
  const { log, take } = stage();
  times(1000, (i) => log.tell({ kind: 'refused', request: 'SET_VRING_NUM', error: new Error(`number ${i}`) }));
  assert.equal(take().length, LINES_MAX + 1);
  log.close();
  assert.deepEqual(take(), ['net: counted: 980 × refused; the last: refused SET_VRING_NUM: number 999']);
  log.close();
  assert.deepEqual(take(), []);
});
