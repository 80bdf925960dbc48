import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../peers/failure.ts';
import { exitCostNs, exitCycles } from './exit-cost.ts';

const X86 = '#define VMEXIT_CYCLES 500\n#define VMENTRY_CYCLES 300\n';
const OTHERS = '#define VMEXIT_CYCLES 200\n#define VMENTRY_CYCLES 200\n';
test('exit cost: leaving and entering, of the first machine', () => assert.equal(exitCycles(X86 + OTHERS), 800));
for (const header of ['', '#define VMEXIT_CYCLES 500\n', X86.replace('300', 'MANY')])
  test(`exit cost: not in ${JSON.stringify(header)}`, () => assert.throws(() => exitCycles(header), Failure));

const costs = [
  // cycles, a second, nanoseconds
  [1000, 2.5e9, 400],
  [1000, 2_596_122_000, 385],
  [0, 3e9, 0],
] as const;
for (const [cycles, hertz, ns] of costs)
  test(`exit cost: ${cycles} cycles at ${hertz / 1e9} GHz`, () => assert.equal(exitCostNs(cycles, hertz), ns));
