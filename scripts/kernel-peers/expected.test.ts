import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assumedRowMs } from './expected.ts';
import { ROWS } from './rows.ts';

const asked = { rounds: 7, transfers: 10_000_000, bestOf: () => null, cpus: [0, 1, 2], sweepCpus: false };
const rowOf = (name: string) => ROWS.find((row) => row.name === name)!;

test('expected: all rows are assumed to take some half an hour', () => {
  const minutes = ROWS.reduce((sum, row) => sum + assumedRowMs(row, { ...asked, bestOf: () => [] }), 0) / 60_000;
  assert.ok(minutes > 15 && minutes < 60, `${minutes} min`);
});

test('expected: what makes a row longer', () => {
  const of = (name: string, change: Partial<typeof asked> = {}) => assumedRowMs(rowOf(name), { ...asked, ...change });
  assert.equal(of('same:none', { rounds: 14 }), 2 * of('same:none'));
  assert.ok(of('same:none') < of('distant:none'), 'the way between the CPUs is measured');
  assert.ok(of('same:fast-vringh') < of('same:none'), 'theirs as shipped runs, too');
  assert.ok(of('ringtest:ring') < of('ringtest:poll'), 'ours runs, too');
  assert.ok(of('same:none') < assumedRowMs(rowOf('same:none'), { ...asked, bestOf: () => [] }), 'with two strategies');
  assert.equal(of('distant:none', { sweepCpus: true }), 6 * of('distant:none'));
  assert.equal(of('same:none', { sweepCpus: true }), of('same:none'));
});
