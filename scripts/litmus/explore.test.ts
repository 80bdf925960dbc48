/** The search: what it counts, and what it finds, on sides made for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Search, shortest } from './explore.ts';
import { Machine } from './machine.ts';
import type { Kind, Performer } from './operation.ts';
import { type Side, SideGraph } from './side-graph.ts';

const BELL = 9;

type Perform = (kind: Kind, location: number, value?: number, expected?: number) => number;
const side = (name: string, body: (perform: Perform, checkpoint: (text: string) => void) => void): Side => ({
  name,
  run: (performer: Performer, checkpoint) =>
    body(
      (kind, location, value = 0, expected = 0) => performer.perform({ kind, location, value, expected, site: '' }),
      (text) => checkpoint(() => text),
    ),
});

function machineOf(one: Side, other: Side): Machine {
  return new Machine([new SideGraph(one), new SideGraph(other)], 'sc', new Map());
}
function searched(machine: Machine, statesMax = 1000) {
  const search = new Search(machine, statesMax);
  assert.equal(search.advance(Number.POSITIVE_INFINITY), true);
  return search.result();
}

const writer = (name: string, places: readonly number[]) =>
  side(name, (perform) => {
    for (const place of places) perform('store', place, 1);
  });
const sleeper = side('sleeper', (perform) => {
  while (perform('load', 0) === 0) perform('wait', BELL, 0, 0);
});

test('search: all orders of three steps and two, each state once', () => {
  const result = searched(machineOf(writer('a', [0, 1, 2]), writer('b', [3, 4])));
  assert.deepEqual(result, { states: 12, transitions: 17, interleavings: 10, depth: 6, complete: true, failure: null });
});

test('search: in slices it finds the same', () => {
  const search = new Search(machineOf(writer('a', [0, 1, 2]), writer('b', [3, 4])), 1000);
  let slices = 1;
  while (!search.advance(1)) slices++;
  assert.ok(slices > 17);
  assert.equal(search.result().interleavings, 10);
});

test('search: too many states prove nothing', () => {
  const { complete, states, failure } = searched(machineOf(writer('a', [0, 1, 2]), writer('b', [3, 4])), 5);
  assert.deepEqual([complete, states, failure], [false, 5, null]);
});

test('search: a wake-up that comes before the sleep is lost, and found', () => {
  const waker = side('waker', (perform) => {
    perform('store', 0, 1);
    perform('notify', BELL);
  });
  const machine = machineOf(sleeper, waker);
  assert.equal(searched(machine).failure?.why, 'sleeper waits for ever');
  // The sleeper looks, the waker does all, the sleeper sleeps.
  assert.deepEqual(shortest(machine, 1000), { why: 'sleeper waits for ever', choices: [0, 1, 1, 0] });
});

test('search: with the word of the bell changed first none is lost', () => {
  const waker = side('waker', (perform) => {
    perform('store', 0, 1);
    perform('store', BELL, 1);
    perform('notify', BELL);
  });
  const { complete, failure } = searched(machineOf(sleeper, waker));
  assert.deepEqual([complete, failure], [true, null]);
});

test('search: a side that throws', () => {
  const reader = side('reader', (perform) => {
    if (perform('load', 0) === 1) throw new RangeError('one');
  });
  const machine = machineOf(reader, writer('writer', [0]));
  assert.equal(searched(machine).failure?.why, 'reader: RangeError: one');
  assert.deepEqual(shortest(machine, 1000)?.choices, [1, 0]);
});

const spinner = (checkpoint: boolean) =>
  side('spinner', (perform, mark) => {
    do {
      if (checkpoint) mark('');
    } while (perform('load', 0) === 0);
  });

test('search: a side that may look again for ever', () => {
  const { failure } = searched(machineOf(spinner(true), writer('writer', [0])));
  assert.deepEqual(failure, { why: 'a run that never ends', choices: [0] });
});

test('search: without a checkpoint such a side is never where it was', () => {
  const { complete, failure } = searched(machineOf(spinner(false), writer('writer', [0])), 50);
  assert.deepEqual([complete, failure], [false, null]);
});

test('search: a side that does not look any more', () => {
  const blind = side('blind', (perform) => {
    for (;;) perform('store', 0, 1);
  });
  assert.match(searched(machineOf(blind, writer('b', [])), 1e6).failure!.why, /^blind: .*goes on for ever/);
});

test('search: a side that is not the same from run to run', () => {
  let runs = 0;
  const fickle = side('fickle', (perform) => {
    perform('load', runs++);
    perform('load', 7);
  });
  assert.throws(() => searched(machineOf(fickle, writer('b', []))), /fickle is not the same from run to run/);
});

test('search: a side that does not store the same from run to run', () => {
  let runs = 0;
  const fickle = side('fickle', (perform) => {
    perform('store', 0, runs++);
    perform('load', 7);
  });
  assert.throws(() => searched(machineOf(fickle, writer('b', []))), /fickle is not the same from run to run/);
});
