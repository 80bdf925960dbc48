/** The memory models: what they allow of small programs, by name and against a machine that is as simple as can be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFrom } from '../../bench/statistics/random.ts';
import { Machine, type Model, STATE_WORDS } from './machine.ts';
import type { Kind, Operation, Performer } from './operation.ts';
import { type Side, SideGraph } from './side-graph.ts';

const X = 0;
const Y = 1;
const op = (kind: Kind, location: number, value = 0, expected = 0): Operation => ({
  ...{ kind, location, value, expected, site: '' },
});
const store = (location: number, value = 1) => op('store', location, value);
const load = (location: number) => op('load', location);
const FENCE = op('fence', -1);

type Program = readonly Operation[];

/** Ends with what it read. */
const sideOf = (name: string, program: Program): Side => ({
  name,
  run(performer: Performer) {
    const read: number[] = [];
    for (const operation of program) {
      const answer = performer.perform(operation);
      if (operation.kind === 'load' || operation.kind.endsWith('exchange')) read.push(answer);
    }
    throw new Error(read.join(''));
  },
});

/** What both can have read when both have come to their ends: `01 1`. */
function outcomes(programs: readonly [Program, Program], model: Model): string[] {
  const graphs = programs.map((program, i) => new SideGraph(sideOf(`side ${i}`, program)));
  const machine = new Machine([graphs[0]!, graphs[1]!], model, new Map());
  const found = new Set<string>();
  const seen = new Set<string>();
  const walk = (state: Int32Array) => {
    if (seen.has(state.join())) return;
    seen.add(state.join());
    const choices = machine.choices(state);
    if (choices === 0) {
      const read = graphs.map(({ endings }, side) => endings[state[side]!]!.replace('Error: ', ''));
      found.add(read.join(' '));
    }
    for (let choice = 0; choice < 4; choice++) {
      if ((choices & (1 << choice)) === 0) continue;
      const next = state.slice();
      machine.take(next, choice);
      walk(next);
    }
  };
  const state = new Int32Array(STATE_WORDS);
  machine.start(state);
  walk(state);
  return [...found].sort();
}

const xchg = (location: number, value: number) => op('exchange', location, value);

const known: [string, Program, Program, Model, string, boolean][] = [
  // what, one, other, memory, outcome, possible
  ['store buffering', [store(X), load(Y)], [store(Y), load(X)], 'sc', '0 0', false],
  ['store buffering', [store(X), load(Y)], [store(Y), load(X)], 'tso', '0 0', true],
  ['store buffering, one fence', [store(X), FENCE, load(Y)], [store(Y), load(X)], 'tso', '0 0', true],
  ['store buffering, fences', [store(X), FENCE, load(Y)], [store(Y), FENCE, load(X)], 'tso', '0 0', false],
  ['store buffering by exchanges', [xchg(X, 1), load(Y)], [xchg(Y, 1), load(X)], 'tso', '00 00', false],
  [
    'store buffering by ordered stores',
    [op('store-ordered', X, 1), load(Y)],
    [op('store-ordered', Y, 1), load(X)],
    'tso',
    '0 0',
    false,
  ],
  ['message passing', [store(X), store(Y)], [load(Y), load(X)], 'tso', ' 10', false],
  ['message passing', [store(X), store(Y)], [load(Y), load(X)], 'tso', ' 01', true],
  ['load buffering', [load(X), store(Y)], [load(Y), store(X)], 'tso', '1 1', false],
  ['own stores are read at once', [store(X), load(X), load(Y)], [store(Y), load(Y), load(X)], 'tso', '10 10', true],
  ['own stores are read at once', [store(X), load(X), load(Y)], [store(Y), load(Y), load(X)], 'sc', '10 10', false],
  ['an exchange is one step', [xchg(X, 1)], [xchg(X, 2)], 'tso', '0 0', false],
  [
    'a compare-exchange is one step',
    [op('compare-exchange', X, 1, 0)],
    [op('compare-exchange', X, 2, 0)],
    'sc',
    '0 0',
    false,
  ],
];
for (const [what, one, other, model, outcome, possible] of known)
  test(`${model}: ${what}: ${outcome.trim()} is ${possible ? '' : 'im'}possible`, () =>
    assert.equal(outcomes([one, other], model).includes(outcome), possible));

/** Every order of single steps, nothing taken together, nothing remembered. */
function plainOutcomes(programs: readonly [Program, Program], tso: boolean): string[] {
  const found = new Set<string>();
  const walk = (
    at: readonly number[],
    memory: readonly number[],
    buffers: readonly (readonly Operation[])[],
    read: readonly string[],
  ): void => {
    if (
      at.every((position, side) => position === programs[side]!.length) &&
      buffers.every(({ length }) => length === 0)
    )
      found.add(read.join(' '));
    for (let side = 0; side < 2; side++) {
      const changed = <T>(all: readonly T[], value: T) => all.map((old, i) => (i === side ? value : old));
      const written = ({ location, value }: Operation) => memory.map((old, i) => (i === location ? value : old));
      const [oldest, ...rest] = buffers[side]!;
      if (oldest !== undefined) walk(at, written(oldest), changed(buffers, rest), read);
      const operation = programs[side]![at[side]!];
      if (operation === undefined) continue;
      const { kind, location, expected } = operation;
      const next = changed(at, at[side]! + 1);
      const answered = (answer: number) => changed(read, `${read[side]}${answer}`);
      if (kind === 'load') {
        const own = buffers[side]!.filter((write) => write.location === location).at(-1);
        walk(next, memory, buffers, answered(own?.value ?? memory[location]!));
      } else if (kind === 'store' && tso) walk(next, memory, changed(buffers, [...buffers[side]!, operation]), read);
      else if (oldest !== undefined) continue;
      else if (kind === 'fence') walk(next, memory, buffers, read);
      else if (kind === 'store' || kind === 'store-ordered') walk(next, written(operation), buffers, read);
      else {
        const before = memory[location]!;
        const stores = kind === 'exchange' || before === expected;
        walk(next, stores ? written(operation) : memory, buffers, answered(before));
      }
    }
  };
  walk([0, 0], [0, 0], [[], []], ['', '']);
  return [...found].sort();
}

test('both models allow what every order of single steps can lead to, and nothing else', () => {
  const random = randomFrom(1);
  const pick = (count: number) => Math.floor(random() * count);
  const kinds: Kind[] = ['load', 'store', 'store-ordered', 'fence', 'exchange', 'compare-exchange'];
  // Mostly loads and stores, which can pass each other.
  const kind = () => kinds[random() < 0.7 ? pick(2) : pick(kinds.length)]!;
  const program = () => Array.from({ length: 2 + pick(3) }, () => op(kind(), pick(2), 1 + pick(2), pick(2)));
  let differ = 0;
  for (let i = 0; i < 200; i++) {
    const programs = [program(), program()] as const;
    const [sc, tso] = [plainOutcomes(programs, false), plainOutcomes(programs, true)];
    assert.deepEqual(outcomes(programs, 'sc'), sc, JSON.stringify(programs));
    assert.deepEqual(outcomes(programs, 'tso'), tso, JSON.stringify(programs));
    if (sc.length !== tso.length) differ++;
  }
  assert.ok(differ > 5, `only ${differ} programs tell the models apart`);
});
