/** The real halves: proved in small runs, and every step of theirs seen. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ORDERINGS } from '../../src/ordering/index.ts';
import { ALL_WAYS, Check } from './check.ts';
import { Search } from './explore.ts';
import { Machine } from './machine.ts';
import { MUTANTS } from './mutants.ts';
import type { Operation } from './operation.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';
import { type Side, SideGraph } from './side-graph.ts';
import { Stage } from './sides.ts';

const END = Number.POSITIVE_INFINITY;

for (const name of [
  'flags',
  'events-wrap',
  'events-on',
  'events-twos',
  'ring-1',
  'vhost-user-on-wrap',
  'events-hands-over',
  'flags-looks',
  'events-ring-looks',
  'twos-ring-looks',
])
  for (const way of ALL_WAYS)
    test(`litmus: ${name} is proved in ${way}`, () => {
      const check = new Check(SCENARIOS[name]!, way);
      assert.equal(check.search.advance(END), true);
      const { complete, failure, states } = check.search.result();
      assert.deepEqual([failure, complete], [null, true]);
      assert.ok(states > 5000, `${states} states are all there are`);
      assert.ok(check.stage.untouched, 'an access went past the checker');
      assert.equal(Atomics.load(new Int32Array(1), 0), 0, 'Atomics are the real ones again');
    });

/** Few enough steps that nothing need be remembered. */
const SHORT: Partial<Scenario> = { requests: 2 };

for (const name of ['events', 'events-delayed-wrap'])
  test(`litmus: ${name}: fields that are equal are one state, and no way is lost by that`, () => {
    const scenario = { ...SCENARIOS[name]!, ...SHORT };
    const found = [true, false].map((merged) => {
      const stage = new Stage(scenario, ORDERINGS.fence, null);
      const apart = (side: Side): Side => ({ name: side.name, run: (performer) => side.run(performer, () => {}) });
      const [guest, host] = stage.sides.map((side) => new SideGraph(merged ? side : apart(side)));
      const search = new Search(new Machine([guest!, host!], 'tso', stage.initial), 1e6);
      search.advance(END);
      return search.result();
    });
    // Sums of doubles, in another order.
    assert.ok(Math.abs(found[0]!.interleavings / found[1]!.interleavings - 1) < 1e-9);
    assert.ok(found[0]!.states < found[1]!.states);
    assert.deepEqual(
      found.map(({ complete }) => complete),
      [true, true],
    );
  });

/** What a side does to the wishes and indices of a ring, and to a doorbell: `guest fence kickPrepare`. */
function ordered(names: readonly string[], side: string, { kind, location, site }: Operation): string | null {
  const name = names[location] ?? '';
  if (kind === 'load' || kind === 'wait' || kind === 'asleep' || name.includes('[')) return null;
  return `${side} ${kind.startsWith('store') ? `store ${name}` : kind} ${site}`;
}

/** All of these that the scenarios come to. */
function reached(): Set<string> {
  const found = new Set<string>();
  for (const scenario of Object.values(SCENARIOS).filter(({ long, startIndex }) => !long && startIndex === 0)) {
    const check = new Check({ ...scenario, ...SHORT }, 'tso/fence');
    check.search.advance(END);
    assert.ok(check.stage.untouched, `${scenario.summary}: an access went past the checker`);
    for (const { side, operations } of check.machine.graphs)
      for (const operation of operations) {
        const text = operation && ordered(check.stage.locations.names, side.name, operation);
        if (text !== null) found.add(text);
      }
  }
  return found;
}

/** The same of what mutants take away, or let come late. */
function mutated(): Set<string> {
  const found = new Set<string>();
  for (const { fault } of Object.values(MUTANTS)) {
    if (fault === null) continue;
    const { side, change } = fault;
    if (change.what === 'drop') found.add([side, change.kind, change.of, change.in].filter(Boolean).join(' '));
    else if (change.what === 'late') found.add(`${side} store ${change.behind} publish`);
    else if (change.what === 'split')
      found.add(`${side} ${change.in === 'sleep' ? 'compare-exchange' : 'exchange'} ${change.in}`);
  }
  return found;
}

test('litmus: every fence, every store of a wish or an index and every step of a doorbell has a mutant', () => {
  assert.deepEqual([...reached()].sort(), [...mutated()].sort());
});

test('litmus: the scenarios come to every fence and every ordered store of the sources', () => {
  const sources = ['guest/split-virtqueue.ts', 'host/split-host-queue.ts', 'vhost-user/queues/queue.ts'];
  const text = sources.map((path) => readFileSync(new URL(`../../../src/${path}`, import.meta.url), 'utf8')).join('');
  const counted = (pattern: RegExp) => text.match(pattern)!.length;
  const sites = [...reached()];
  const reachedOf = (kind: string) => sites.filter((site) => site.split(' ')[1] === kind).length;
  assert.equal(reachedOf('fence'), counted(/Fields\.fence\(\)/g));
  // Constructors store while nobody else looks.
  assert.equal(reachedOf('store'), counted(/Fields\.store16\(this\./g));
});
