import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cell } from './record.ts';
import { tableLines } from './report.ts';

const cell = (cpu: number | null, peerCpu: number | null): Cell => ({
  ...{ bench: 'notify-with-waiter', ordering: null, orderingSound: null, operations: 8, samples: 16 },
  ...{
    medianNs: 5,
    madNs: 1,
    meanNs: 5,
    minNs: 4,
    p75Ns: 6,
    p99Ns: 7,
    cpu,
    peerCpu,
    unpinnedReason: null,
    stoodStillNs: 0,
  },
});

const places: [what: string, cpu: number | null, peerCpu: number | null, told: boolean][] = [
  ['two CPUs', 0, 1, false],
  ['one thread', 0, null, false],
  ['no CPU by number', null, null, false],
  ['the only CPU', 3, 3, true],
];
for (const [what, cpu, peerCpu, told] of places)
  test(`micro report: a cell on ${what}: ${told ? 'it says so' : 'nothing is said of it'}`, () => {
    const lines = tableLines(['notify-with-waiter'], ['seqcst'], [cell(cpu, peerCpu)]);
    const line = 'both threads of notify-with-waiter on CPU 3: no other is allowed here';
    assert.equal(lines.includes(line), told);
  });
