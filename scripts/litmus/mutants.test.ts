/** Mutants: the ones that are found at once, and the orderings that must not be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALL_WAYS, Check, type Way } from './check.ts';
import { atOnce, hunt } from './hunt.ts';
import { MUTANTS } from './mutants.ts';
import { SCENARIOS } from './scenarios.ts';

const found: [string, string, Way, RegExp][] = [
  // mutant, scenario, memory, why
  ['no-fences', 'events', 'tso/fence', /^guest and host wait for ever$/],
  ['guest-kick-fence', 'events', 'tso/fence', /^guest and host wait for ever$/],
  ['host-call-fence', 'events', 'tso/fence', /^guest waits for ever$/],
  ['guest-take-fence', 'events-on', 'tso/fence', /^guest waits for ever$/],
  ['set-notification-fence', 'set-notification', 'tso/fence', /^guest and host wait for ever$/],
  ['host-kicks-ignored', 'flags', 'sc/seqcst', /^guest and host wait for ever$/],
  ['host-kicks-wary', 'flags', 'sc/seqcst', /^a run that never ends$/],
  ['guest-event-take', 'events-on-wrap', 'sc/seqcst', /^guest waits for ever$/],
  [
    'guest-descriptor-late',
    'flags',
    'sc/seqcst',
    /^host: CheckFailed: request \d: readable elements: expected 1, got 0$/,
  ],
  ['host-entry-late', 'flags', 'sc/seqcst', /^guest: RingError: .*used-id-not-outstanding/],
  ['guest-table-late', 'indirect', 'sc/seqcst', /^host: /],
  ['guest-adds-last', 'events-twos', 'sc/seqcst', /^guest and host wait for ever$/],
  ['guest-unflushed', 'twos-ring-looks', 'sc/seqcst', /^guest and host wait for ever$/],
  ['host-unflushed', 'twos-ring-looks', 'sc/seqcst', /^guest and host wait for ever$/],
  ['guest-kick-fence', 'events-ring-looks', 'tso/fence', /^guest and host wait for ever$/],
  ['host-kicks-ignored', 'flags-ring-looks', 'sc/seqcst', /^guest and host wait for ever$/],
  ['guest-bell-sleep', 'flags', 'sc/seqcst', /^guest waits for ever$/],
  ['host-bell-take', 'flags-on', 'tso/fence', /^guest and host wait for ever$/],
];
for (const [name, scenario, way, why] of found)
  test(`litmus: ${name} shows in ${scenario} ${way}, step by step`, () => {
    const check = new Check(SCENARIOS[scenario]!, way, MUTANTS[name]!);
    check.search.advance(Number.POSITIVE_INFINITY);
    const { failure } = check.search.result();
    assert.match(failure!.why, why);
    const trace = check.trace(failure!);
    assert.match(trace[0]!, /^ {3}1 {2}(guest|host ) {2}(load|store) /);
    const steps = trace.length - 3;
    assert.equal(trace[steps - 1]!.slice(0, 4), String(steps).padStart(4));
    const ends = trace.slice(-3, -1).map((line) => line.trim().split(/ +/)[0]);
    assert.deepEqual(ends, ['guest', 'host']);
  });

test('litmus: without its fence a wake-up is lost, and the trace tells how', () => {
  const check = new Check(SCENARIOS.events!, 'tso/fence', MUTANTS['guest-kick-fence']!);
  check.search.advance(Number.POSITIVE_INFINITY);
  const trace = check.trace(check.search.result().failure!).map((line) => line.slice(6).trim().replace(/ {2,}/g, '  '));
  const at = (line: string) => trace.lastIndexOf(line);
  const stale = trace.findLastIndex((line) => /^guest {2}load avail_event -> \d {2}kickPrepare$/.test(line));
  const index = trace.findLastIndex((line) => /^guest {2}flush avail.idx = \d$/.test(line));
  assert.ok(stale !== -1 && stale < index, 'their wish is read before our index is out');
  assert.ok(index > trace.findLastIndex((line) => /^host {2}load avail.idx -> \d {2}enableKicks$/.test(line)));
  assert.ok(at('guest  sleeps  sleep') > 0 && at('host  sleeps  sleep') > 0);
  const end = ["guest  waits for guest's bell", "host  waits for host's bell", 'guest and host wait for ever'];
  assert.deepEqual(trace.slice(-3), end);
});

test('litmus: fences are needed where stores wait, and nowhere else', async () => {
  const fences = Object.keys(MUTANTS).filter((name) => name.endsWith('-fence'));
  assert.equal(fences.length, 8);
  for (const name of fences)
    assert.equal(await hunt(MUTANTS[name]!, ['events-twos', 'flags-twos'], ['sc/seqcst'], atOnce), null, name);
});

test('litmus: a mutant of a field that is not there is no mutant found', () => {
  const fault = {
    side: 'guest',
    change: { what: 'set', in: 'publish', when: 'after', field: 'none', value: 0 },
  } as const;
  const check = new Check(SCENARIOS.flags!, 'sc/seqcst', { summary: '', fault, redundant: null });
  assert.throws(() => check.search.advance(Number.POSITIVE_INFINITY), /there is no none/);
});

test('litmus: a mutant that needs no scenario to fail says why', () => {
  for (const [name, { redundant }] of Object.entries(MUTANTS))
    if (redundant !== null) assert.ok(redundant.length > 20, name);
});

test('litmus: a hint taken out shows nowhere', async () => {
  assert.equal(await hunt(MUTANTS['guest-flags-off']!, ['flags-twos', 'flags-twos-wrap'], ALL_WAYS, atOnce), null);
});
