import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logTicks, numberTicks, sizeTicks, ticksIn, timeTicks } from './page/ticks.ts';

const axes: [what: string, ticks: (values: readonly number[]) => string[], values: number[], texts: string[]][] = [
  ['millions', numberTicks, [0, 500_000, 1_000_000, 1_500_000], ['0', '500k', '1M', '1.5M']],
  ['a logarithmic axis to a thousand millions', numberTicks, [1, 1000, 1e6, 1e9], ['1', '1k', '1M', '1G']],
  ['thousands', numberTicks, [0, 2000, 4000, 6000], ['0', '2,000', '4,000', '6,000']],
  ['tens of thousands', numberTicks, [0, 5000, 10_000, 15_000], ['0', '5k', '10k', '15k']],
  ['parts', numberTicks, [0, 0.1, 0.2, 0.1 + 0.2], ['0', '0.1', '0.2', '0.3']],
  ['thousandths', numberTicks, [0, 0.0005, 0.001, 0.0015], ['0', '0.0005', '0.001', '0.0015']],
  ['rates of 1e-7', numberTicks, [0, 5e-8, 1e-7, 1.5e-7], ['0', '5e-8', '1e-7', '1.5e-7']],
  ['ten-thousandths alone', numberTicks, [1e-4, 2e-4, 5e-4], ['1e-4', '2e-4', '5e-4']],
  ['a logarithmic axis from 1e-7', numberTicks, [1e-7, 1e-5, 1e-3, 0.1], ['1e-7', '1e-5', '0.001', '0.1']],
  ['rates', numberTicks, [10, 20, 100], ['10', '20', '100']],
  ['below zero', numberTicks, [-20_000, -500, 0], ['-20k', '-500', '0']],
  ['a narrow axis far from zero', numberTicks, [1000.01, 1000.02, 1000.03], ['1,000.01', '1,000.02', '1,000.03']],
  ['a narrow axis in millions', numberTicks, [1_000_010, 1_000_020], ['1.00001M', '1.00002M']],
  ['times', timeTicks, [0, 250, 1000, 10_000_000, 2e9], ['0', '250 ns', '1 µs', '10 ms', '2 s']],
  ['parts of a nanosecond', timeTicks, [0.5, 1.5], ['0.5 ns', '1.5 ns']],
  ['more than hours', timeTicks, [1e13, 1e14], ['10,000 s', '100,000 s']],
  ['microseconds from 1,000,000 on', ticksIn('µs'), [0.1, 1000, 10_000, 1e6], ['100 ns', '1 ms', '10 ms', '1 s']],
  ['what a transfer takes at rates 10, 20, 100', ticksIn('ns'), [1e7, 5e7, 1e8], ['10 ms', '50 ms', '100 ms']],
  ['no time', ticksIn('M/s'), [0, 0.5], ['0', '0.5']],
  ['sizes', sizeTicks, [4, 1000, 1024, 65_536, 1_048_576], ['4', '1,000', '1k', '64k', '1M']],
];
for (const [what, ticks, values, texts] of axes) test(`ticks: ${what}`, () => assert.deepEqual(ticks(values), texts));

test('ticks: of any even step no two are alike', () => {
  for (let power = -9; power <= 12; power++)
    for (const step of [1, 2, 2.5, 5])
      for (const start of [0, 7, 1000]) {
        const values = Array.from({ length: 8 }, (_, i) => Number(((start + i) * step * 10 ** power).toPrecision(10)));
        for (const unit of ['', 'ns', 'µs']) {
          const texts = ticksIn(unit)(values);
          assert.equal(new Set(texts).size, values.length, texts.join(' '));
        }
      }
});

const logs: [what: string, from: number, to: number, fitting: number, ticks: number[]][] = [
  ['one decade', 1, 10, 7, [1, 2, 5, 10]],
  ['two decades where they fit', 0.1, 10, 7, [0.1, 0.2, 0.5, 1, 2, 5, 10]],
  ['two decades where they do not', 0.1, 10, 5, [0.1, 1, 10]],
  ['six decades', 1e-6, 1, 7, [1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1]],
  ['more decades than ticks fit', 1, 1e9, 5, [1, 1000, 1e6, 1e9]],
  ['room for nothing', 1, 1000, 0, [1, 1000]],
];
for (const [what, from, to, fitting, ticks] of logs)
  test(`ticks: a logarithmic axis of ${what}`, () => assert.deepEqual(logTicks(from, to, fitting), ticks));
