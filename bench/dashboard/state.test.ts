import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatState, parseState, withFilter, withOption } from './page/state.ts';

const addresses: [address: string, same: string][] = [
  ['', '#view=history'],
  ['#', '#view=history'],
  ['#view=nothing&theme=pink', '#view=history'],
  ['#view=heat&rows=cpus', '#view=heat&rows=cpus'],
  ['#theme=dark&view=latency', '#view=latency&theme=dark'],
  ['#f.doorbell=spin&f.doorbell=futex&view=compare', '#view=compare&f.doorbell=futex&f.doorbell=spin'],
  ['#f.label=%3C%2Fscript%3E%26a%3Db', '#view=history&f.label=%3C%2Fscript%3E%26a%3Db'],
  ['#%', '#view=history'],
];
for (const [address, same] of addresses)
  test(`state: '${address}' is ${same}`, () => {
    const written = formatState(parseState(address));
    assert.equal(written.replace(/&%25=?$/, ''), same);
    assert.equal(formatState(parseState(written)), written);
  });

test('state: a filter is set and taken back', () => {
  const state = withFilter(parseState(''), 'label', new Set(['a&b', '#']));
  assert.deepEqual(parseState(formatState(state)).filters, new Map([['label', new Set(['a&b', '#'])]]));
  assert.equal(formatState(withFilter(state, 'label', null)), '#view=history');
});

test('state: an option at its default is not in the address', () =>
  assert.equal(formatState(withOption(parseState('#view=heat&rows=cpus'), 'rows', '')), '#view=heat'));

test('state: an address without a view shows the first one, whichever that is', () => {
  assert.equal(parseState('#theme=dark', 'heat').view, 'heat');
  assert.equal(parseState('#view=history', 'heat').view, 'history');
});
