import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../command-line/option-values.ts';
import { RUN_AXES, RUN_OPTIONS } from '../run/options.ts';
import { MATRIX_OPTIONS, matrixHelp, parseMatrixOptions } from './options.ts';

test('matrix options: without any, sound orderings × usable doorbells × eventidx × two placements', () => {
  const { axes, cells, leftOut, repetitions, seed, fresh, label, out, heat } = parseMatrixOptions([]);
  const valuesOf = Object.fromEntries(axes.map(({ name, values }) => [name, values]));
  assert.deepEqual(Object.keys(valuesOf), ['eventidx', 'engine', 'ordering', 'doorbell', 'cpus']);
  assert.deepEqual(
    [valuesOf.eventidx, valuesOf.engine, valuesOf.ordering, valuesOf.cpus],
    [
      ['off', 'on'],
      ['js', 'wasm'],
      ['seqcst', 'wasm'],
      ['same', 'distant'],
    ],
  );
  assert.ok(valuesOf.doorbell!.includes('futex'));
  assert.equal(cells.length, 8 * valuesOf.doorbell!.length);
  assert.ok(cells.every(({ config }) => config.orderingSound));
  // Each ordering on one engine: the default's, or the other one where that has not the ordering.
  assert.deepEqual(
    new Set(cells.map(({ config }) => `${config.engine} ${config.ordering}`)),
    new Set(['wasm wasm', 'js seqcst']),
  );
  assert.deepEqual([...leftOut.values()], [4 * valuesOf.doorbell!.length, 4 * valuesOf.doorbell!.length]);
  assert.deepEqual([...leftOut.keys()].sort(), [
    "--engine wasm cannot run with --ordering seqcst: its shared fields are Wasm's own atomics",
    'engine js with ordering wasm, which engine wasm has, too (--engine js,wasm --ordering wasm compares the two)',
  ]);
  const { transfers, warmup, timeout, latency } = cells[0]!.config;
  assert.deepEqual(
    { transfers, warmup, timeout, latency },
    { transfers: 2_000_000, warmup: 'auto', timeout: 10, latency: 0 },
  );
  assert.deepEqual(
    { repetitions, seed, fresh, label, out, heat },
    { repetitions: 5, seed: null, fresh: false, label: '', out: null, heat: [3, 0] },
  );
});

test('matrix options: what is left out by default is swept where it is listed', () => {
  const enginesOf = (...args: string[]) => parseMatrixOptions(args).cells.map(({ config }) => config.engine);
  assert.deepEqual(enginesOf('--engine', 'js,wasm', '--ordering', 'wasm'), ['js', 'wasm']);
  assert.deepEqual(enginesOf('--engine', 'js,wasm', '--ordering', 'seqcst,wasm'), ['js', 'js', 'wasm']);
});

const switches: [args: string[], notes: string[]][] = [
  [['--doorbell', 'futex,pipe'], []],
  [['--engine', 'js,wasm', '--ordering', 'wasm'], []],
  [['--ordering', 'seqcst,wasm'], ['engine js, not wasm, because --ordering is given']],
  [['--slow-range=off', '--host', 'vringh'], ['engine js, not wasm, because --host, --slow-range are given']],
  [['--ordering', 'wasm'], ['engine js, not wasm, because --ordering is given; --engine wasm runs it, too']],
];
for (const [args, notes] of switches)
  test(`matrix options: what chooses an engine is told: ${args.join(' ')}`, () =>
    assert.deepEqual(parseMatrixOptions(args).notes, notes));

const sizes: [args: string[], transfers: number, warmup: number | 'auto', repeat: number, timeout: number][] = [
  [['--quick'], 200_000, 'auto', 2, 1],
  [['--quick', '--repeat', '7', '--transfers', '5k'], 5000, 'auto', 7, 1],
  [['--quick', '--warmup=0', '--timeout', '3'], 200_000, 0, 2, 3],
  [['--rate', '1000'], 10_000, 'auto', 5, 10],
  [['--rate', '1000', '--transfers', '50'], 50, 'auto', 5, 10],
];
for (const [args, ...expected] of sizes)
  test(`matrix options: ${args.join(' ')}`, () => {
    const { config } = parseMatrixOptions(args).cells[0]!;
    assert.deepEqual([config.transfers, config.warmup, config.repeat, config.timeout], expected);
  });

const good: [args: string[], values: string[][]][] = [
  [['--eventidx'], [['on']]],
  [
    ['--eventidx', '--batch', '1,2'],
    [['on'], ['1', '2']],
  ],
  [
    ['--batch', '1,2', '--eventidx=off,on'],
    [
      ['off', 'on'],
      ['1', '2'],
    ],
  ],
  [['--cpus', '0,0,same'], [['0,0', 'same']]],
];
for (const [args, values] of good)
  test(`matrix options: ${args.join(' ')}`, () => {
    assert.deepEqual(
      parseMatrixOptions(args).axes.map((axis) => axis.values),
      values,
    );
  });

const TWO = ['--eventidx', 'on,off', '--batch', '1,2,4', '--ordering', 'wasm'];
const heats: [args: string[], heat: [number, number] | null][] = [
  // Axes stand in the order of the options of run, whatever that of the command line: eventidx, ordering, batch.
  [TWO, [2, 0]],
  [
    [...TWO, '--heat', 'eventidx,batch'],
    [0, 2],
  ],
  [
    [...TWO, '--heat', ' batch , eventidx '],
    [2, 0],
  ],
  [['--eventidx', 'on,off'], null],
  [['--eventidx'], null],
];
for (const [args, heat] of heats)
  test(`matrix options: heat map of ${args.join(' ')}`, () => assert.deepEqual(parseMatrixOptions(args).heat, heat));

const wrong: [args: string[], message: RegExp][] = [
  [[...TWO, '--heat', 'batch'], /^--heat wants two of the axes with several values \(eventidx, batch\), not 'batch'$/],
  [[...TWO, '--heat', ''], /^--heat wants a value: A,B/],
  [[...TWO, '--heat', 'batch,batch'], /^--heat wants two of the axes/],
  [[...TWO, '--heat', 'batch,ordering'], /^--heat wants two of the axes/],
  [[...TWO, '--heat', 'batch,eventidx,cpus'], /^--heat wants two of the axes/],
  [['--seed', '-1'], /^--seed wants a whole number/],
  [['--seed', '4294967296'], /^--seed wants 0 to 4294967295, not 4294967296$/],
  [['--seed', '1', '--fresh'], /^--fresh begins with a seed of its own/],
  [['--repeat', '0'], /^--repeat wants 1 to/],
  [['--transfers', '1,2'], /^--transfers wants a whole number/],
  [['--latency', '1,2'], /^--latency wants a whole number/],
  [['--ordering'], /^--ordering wants a value: LIST$/],
  [['--ordering', 'wasm', '--ordering', 'seqcst'], /^--ordering is given twice$/],
  [['--orderin', 'wasm'], /^unknown argument '--orderin'; did you mean --ordering\?$/],
  [['--parallel'], /^unknown argument '--parallel'/],
  [['--json'], /^unknown argument '--json'/],
  [['futex'], /^unexpected argument 'futex'$/],
];
for (const [args, message] of wrong)
  test(`matrix options refuse: ${args.join(' ')}`, () => {
    assert.throws(() => parseMatrixOptions(args), { constructor: UsageError, message });
  });

test('matrix options: every option of run that says what is measured is one, and in the help', () => {
  const help = matrixHelp();
  for (const name of Object.keys(MATRIX_OPTIONS)) assert.match(help, new RegExp(`^  --${name}\\b`, 'm'));
  for (const name of Object.keys(RUN_AXES)) assert.ok(name in MATRIX_OPTIONS, name);
  // What is neither an axis nor shared by all cells is run's own.
  const left = Object.keys(RUN_OPTIONS).filter((name) => !(name in MATRIX_OPTIONS));
  assert.deepEqual(left, ['parallel', 'hgrm', 'json']);
});
