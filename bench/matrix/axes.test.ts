import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../command-line/option-values.ts';
import { type OptionName, RUN_AXES } from '../run/options.ts';
import { axisOf, cellsOf } from './axes.ts';

const lists: [name: OptionName, list: string, values: string[]][] = [
  ['ordering', 'seqcst', ['seqcst']],
  ['ordering', 'wasm,seqcst', ['wasm', 'seqcst']],
  ['doorbell', ' futex , pipe ', ['futex', 'pipe']],
  ['eventidx', 'on,off', ['on', 'off']],
  ['eventidx', 'off', ['off']],
  ['delayed-interrupt', 'off,on', ['off', 'on']],
  ['batch', '1,16,1k', ['1', '16', '1k']],
  ['cpus', 'same,distant,none', ['same', 'distant', 'none']],
  ['cpus', '0,1', ['0,1']],
  ['cpus', '0,0,same,1,0', ['0,0', 'same', '1,0']],
  ['cpus', ' 0 , 1 ', ['0,1']],
  ['cpus', '0,1/2,3,none,1,0', ['0,1/2,3', 'none', '1,0']],
  ['rate', '1000,2M', ['1000', '2M']],
  // Too small for the default workload alone: a matter of the combinations.
  ['ring-size', '2,256', ['2', '256']],
];
for (const [name, list, values] of lists)
  test(`axes: --${name} ${list}`, () => assert.deepEqual(axisOf(name, list), { name, values }));

const wrong: [name: OptionName, list: string, message: RegExp][] = [
  ['ordering', '', /^--ordering wants a list like A,B, not ''$/],
  ['ordering', 'seqcst,', /^--ordering wants a list like A,B, not 'seqcst,'$/],
  ['ordering', 'seqcst,,wasm', /^--ordering wants a list/],
  ['ordering', 'seqcst,wasm,seqcst', /^--ordering lists seqcst twice$/],
  ['ordering', 'seqcst,wsam', /^--ordering wants one of seqcst, .*not 'wsam'; did you mean wasm\?$/],
  ['eventidx', 'yes', /^--eventidx wants a list of on, off, not 'yes'$/],
  ['eventidx', 'on,on', /^--eventidx lists on twice$/],
  ['batch', '1,x', /^--batch wants a whole number .*, not 'x'$/],
  ['ring-size', '100', /^--ring-size wants a power of two/],
  ['cpus', '0,1,0,1', /^--cpus lists 0,1 twice$/],
  ['rate', 'off', /^--rate wants a whole number/],
];
for (const [name, list, message] of wrong)
  test(`axes refuse: --${name} ${list}`, () => {
    assert.throws(() => axisOf(name, list), { constructor: UsageError, message });
  });

test('axes: every flag of run is swept over on and off', () => {
  for (const [name, kind] of Object.entries(RUN_AXES))
    if (kind === 'flag') assert.deepEqual(axisOf(name as OptionName, 'on,off').values, ['on', 'off']);
});

test('axes: the cells are all combinations, each with its configuration', () => {
  const axes = [axisOf('eventidx', 'on,off'), axisOf('batch', '1,4,16'), axisOf('cpus', '0,1,same')];
  const { cells, leftOut } = cellsOf(axes, ['--transfers=5k']);
  assert.equal(leftOut.size, 0);
  assert.equal(cells.length, 12);
  assert.equal(new Set(cells.map(({ values }) => values.join(' '))).size, 12);
  for (const { values, config } of cells) {
    const { eventidx, batch, cpus, transfers, parallel, doorbell } = config;
    assert.deepEqual([eventidx ? 'on' : 'off', String(batch), cpus], values);
    assert.deepEqual([transfers, parallel, doorbell], [5000, true, 'adaptive']);
  }
});

test('axes: what cannot run together is left out and counted by why', () => {
  const axes = [axisOf('fast-vringh', 'on,off'), axisOf('workload', 'echo,single'), axisOf('batch', '1,2')];
  const { cells, leftOut } = cellsOf(axes, []);
  assert.equal(cells.length, 6);
  assert.deepEqual([...leftOut], [['--fast-vringh cannot run with --workload echo: its host never copies', 2]]);
});

test('axes: nothing left is a mistake, said as run says it', () => {
  assert.throws(() => cellsOf([axisOf('ring-size', '1,2')], []), {
    constructor: UsageError,
    message: /^--ring-size 1 is too small/,
  });
});

test('axes: two spellings of one value would be two cells with one record', () => {
  assert.throws(() => cellsOf([axisOf('eventidx', 'on,off'), axisOf('batch', '1000,1k')], []), {
    constructor: UsageError,
    message: '--batch lists 1000 and 1k, which are the same',
  });
});

test('axes: where an axis has values that the Wasm engine has not, all cells run on the other', () => {
  const enginesOf = (...axes: Parameters<typeof axisOf>[]) => [
    ...new Set(
      cellsOf(
        axes.map((axis) => axisOf(...axis)),
        [],
      ).cells.map(({ config }) => config.engine),
    ),
  ];
  assert.deepEqual(enginesOf(['doorbell', 'futex,pipe']), ['wasm']);
  assert.deepEqual(enginesOf(['slow-range', 'on,off']), ['js']);
  assert.deepEqual(enginesOf(['host', 'vringh,vhost-user']), ['js']);
  assert.deepEqual(enginesOf(['engine', 'js,wasm'], ['ordering', 'wasm']), ['js', 'wasm']);
});
