import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countOf, nearest, UsageError } from '../command-line/option-values.ts';
import { configSchema } from '../records/record.ts';
import { optionsHelp, parseRunOptions, RUN_OPTIONS } from './options.ts';

test('options: defaults are those of the help, and a valid config', () => {
  const { config, out, json, label, idle } = parseRunOptions(['--parallel']);
  assert.deepEqual(configSchema.parse(config), {
    parallel: true,
    indirect: false,
    eventidx: false,
    virtio1: false,
    slowRange: false,
    fastVringh: false,
    transfers: 10_000_000,
    warmup: 'auto',
    repeat: 1,
    ringSize: 256,
    workload: 'alternate',
    size: 4,
    layout: 'split',
    ringPlace: 'legacy',
    host: 'vringh',
    engine: 'wasm',
    loop: 'wasm',
    ordering: 'wasm',
    orderingSound: true,
    doorbell: 'adaptive',
    cpus: 'distant',
    pairs: 1,
    pairsIn: 'thread',
    timeout: 10,
    spinUs: 50,
    lookUs: 50,
    batch: 16,
    outstanding: 256,
    delayedInterrupt: true,
    completeBatch: 16,
    exitCost: 0,
    latency: 0,
    rate: 0,
  });
  assert.deepEqual({ out, json, label, idle }, { out: null, json: false, label: '', idle: [] });
});

test('options: engine wasm has its own ordering, asked for or not', () => {
  for (const ordering of [[], ['--ordering', 'wasm']]) {
    const { config } = parseRunOptions(['--engine', 'wasm', ...ordering]);
    assert.deepEqual([config.engine, config.ordering, config.orderingSound], ['wasm', 'wasm', true]);
  }
});

const engines: [args: string[], engine: string, ordering: string][] = [
  [['--parallel'], 'wasm', 'wasm'],
  [[], 'js', 'seqcst'],
  [['--parallel', '--engine', 'js'], 'js', 'seqcst'],
  [['--parallel', '--ordering', 'wasm'], 'js', 'wasm'],
  [['--parallel', '--host', 'vringh'], 'js', 'seqcst'],
  [['--parallel', '--layout', 'null'], 'js', 'seqcst'],
  [['--parallel', '--slow-range'], 'js', 'seqcst'],
];
for (const [args, engine, ordering] of engines)
  test(`options: [${args.join(' ')}] runs on engine ${engine}, ordering ${ordering}`, () => {
    const { config } = parseRunOptions(args);
    assert.deepEqual([config.engine, config.ordering], [engine, ordering]);
  });

const wrong: [what: string, args: string[], message: RegExp][] = [
  ['unknown, close to a known one', ['--evntidx'], /unknown argument '--evntidx'; did you mean --eventidx\?/],
  ['unknown, close to none', ['--zebra'], /unknown argument '--zebra'$/],
  ['unknown with a value', ['--zebra=1'], /unknown argument '--zebra'/],
  ['a short option', ['-p'], /unknown argument '-p'/],
  ['a name of Object.prototype', ['--constructor'], /unknown argument '--constructor'/],
  ['a word', ['eventidx'], /unexpected argument 'eventidx'/],
  ['the terminator', ['--'], /unexpected argument '--'/],
  ['not a number', ['--transfers', 'many'], /--transfers wants a whole number .* not 'many'/],
  ['a fraction of one', ['--transfers', '0.5'], /--transfers wants a whole number/],
  ['negative', ['--transfers=-5'], /--transfers wants a whole number/],
  ['zero', ['--transfers', '0'], /--transfers wants 1 to/],
  ['too many', ['--transfers', '3000M'], /--transfers wants 1 to 2000000000, not 3000M/],
  ['too many with the warm-up', ['--transfers', '2000M', '--warmup', '1'], /--transfers and --warmup together/],
  ['no value', ['--transfers'], /--transfers wants a value: N/],
  ['an option for a value', ['--transfers', '--parallel'], /--transfers wants a value: N/],
  ['a value for a flag', ['--parallel=yes'], /--parallel takes no value/],
  ['twice', ['--repeat', '2', '--repeat', '3'], /--repeat is given twice/],
  ['not a power of two', ['--ring-size', '100'], /--ring-size wants a power of two from 1 to 32768, not 100/],
  ['above the largest ring', ['--ring-size', '65536'], /--ring-size wants 1 to 32768/],
  [
    'too small for alternate',
    ['--parallel', '--ring-size', '2'],
    /--ring-size 2 is too small: .* up to 4 .* ring is 4/,
  ],
  ['too small for echo', ['--parallel', '--ring-size', '4', '--workload', 'echo'], /up to 6 .* ring is 8/],
  [
    'no such workload',
    ['--workload', 'ecko'],
    /--workload wants one of alternate, echo, single, bulk, not 'ecko'; did you mean echo\?/,
  ],
  ['a size between words', ['--workload', 'bulk', '--size', '6'], /--size wants a multiple of 4, not 6/],
  ['a size above the largest', ['--workload', 'bulk', '--size', '65k'], /--size wants 4 to 65536 bytes, not 65k/],
  ['a size of what has none', ['--size', '64'], /--size 64 cannot run with --workload alternate: only bulk has a size/],
  [
    'a last transfer that nobody brings back',
    ['--workload', 'bulk', '--transfers', '3', '--warmup', '2'],
    /--workload bulk wants an even number of transfers/,
  ],
  [
    'more memory than there should be',
    ['--workload', 'bulk', '--size', '64k', '--ring-size', '16384'],
    /--ring-size 16384 with --size 65536 takes 1073807360 bytes of memory, more than 1073741824/,
  ],
  [
    'more memory in all pairs together',
    ['--workload', 'bulk', '--size', '64k', '--ring-size', '8192', '--pairs', '2'],
    /with --size 65536 and --pairs 2 takes/,
  ],
  ['no pairs', ['--pairs', '0'], /--pairs wants 1 to 64, not 0/],
  ['pairs in nothing known', ['--pairs-in', 'threads'], /wants one of thread, process, .* did you mean thread\?/],
  [
    'CPUs of fewer pairs',
    ['--pairs', '2', '--cpus', '0,1'],
    /--cpus 0,1 cannot run with --pairs 2: it names CPUs of 1/,
  ],
  ['no such ordering', ['--ordering', 'x'], /--ordering wants one of seqcst/],
  ['no such doorbell', ['--doorbell', 'x'], /--doorbell wants one of futex, spin, adaptive, poll, wait-async/],
  ['no such layout', ['--layout', 'packed'], /--layout wants one of split, null/],
  ['cannot run together', ['--fast-vringh', '--workload', 'echo'], /--fast-vringh cannot run with --workload echo/],
  [
    'a layout without heads to poll',
    ['--fast-vringh', '--layout', 'null'],
    /--fast-vringh cannot run with --layout null/,
  ],
  ['no such host half', ['--host', 'vhost'], /--host wants one of vringh, .*, not 'vhost'/],
  ['a host half without a face to poll', ['--fast-vringh', '--host', 'lguest'], /--fast-vringh cannot run with --host/],
  [
    'tables for a host half of 2007',
    ['--parallel', '--host', 'lguest', '--indirect'],
    /lguest cannot run with --indirect/,
  ],
  [
    'events for a host half of 2007',
    ['--parallel', '--host', 'lguest', '--eventidx'],
    /lguest cannot run with --eventidx/,
  ],
  ['no such engine', ['--engine', 'rust'], /--engine wants one of js, wasm, not 'rust'/],
  ['another layout for engine wasm', ['--engine', 'wasm', '--layout', 'null'], /wasm cannot run with --layout null/],
  ['another host for engine wasm', ['--engine', 'wasm', '--host', 'lguest'], /wasm cannot run with --host lguest/],
  ['an ordering for engine wasm', ['--engine', 'wasm', '--ordering', 'seqcst'], /cannot run with --ordering seqcst/],
  ['slow ranges for engine wasm', ['--engine', 'wasm', '--slow-range'], /wasm cannot run with --slow-range/],
  [
    'a loop in Wasm around another ring',
    ['--loop', 'wasm', '--engine', 'js'],
    /--loop wasm cannot run with --engine js/,
  ],
  ['legacy parts apart', ['--parallel', '--ring-place', 'apart'], /--ring-place apart cannot run without --virtio-1/],
  [
    'parts apart for a host half of 2007',
    ['--parallel', '--ring-place', 'apart', '--virtio-1', '--host', 'lguest'],
    /--ring-place apart cannot run with --host lguest/,
  ],
  ['neither on nor off', ['--delayed-interrupt', 'maybe'], /--delayed-interrupt wants one of on, off, not 'maybe'/],
  ['none in flight', ['--outstanding', '0'], /--outstanding wants 1 to 32768/],
  ['no time', ['--timeout', '0'], /--timeout wants seconds above 0/],
  ['one of no transfers', ['--latency', '0'], /--latency wants 1 to 2000000000, not 0/],
  ['one of many', ['--latency', 'many'], /--latency wants a whole number .* not 'many'/],
  ['one of nothing', ['--latency='], /--latency wants a value: N/],
  ['a rate of none', ['--rate', '0'], /--rate wants 1 to 10000000, not 0/],
  ['a rate without a value', ['--rate', '--latency'], /--rate wants a value: N/],
  ['a rate above the fastest', ['--rate', '11M'], /--rate wants 1 to 10000000, not 11M/],
  ['distributions of nothing', ['--hgrm', 'x'], /--hgrm needs --latency/],
];
for (const [what, args, message] of wrong)
  test(`options refuse: ${what}`, () => {
    assert.throws(
      () => parseRunOptions(args),
      (error: unknown) => error instanceof UsageError && message.test(error.message) && !error.message.includes('\n'),
    );
  });

const latencies: [args: string[], expected: { latency: number; rate: number; transfers: number }][] = [
  [[], { latency: 0, rate: 0, transfers: 10_000_000 }],
  [['--latency'], { latency: 64, rate: 0, transfers: 10_000_000 }],
  [['--latency', '16'], { latency: 16, rate: 0, transfers: 10_000_000 }],
  [['--latency=1k'], { latency: 1000, rate: 0, transfers: 10_000_000 }],
  [['--latency', '--eventidx'], { latency: 64, rate: 0, transfers: 10_000_000 }],
  [['--rate', '5000'], { latency: 1, rate: 5000, transfers: 50_000 }],
  [['--rate', '10M'], { latency: 1, rate: 10_000_000, transfers: 100_000_000 }],
  [['--rate', '1k', '--latency'], { latency: 64, rate: 1000, transfers: 10_000 }],
  [['--rate', '1k', '--latency', '5'], { latency: 5, rate: 1000, transfers: 10_000 }],
  [['--latency', '--rate', '1k', '--transfers', '7'], { latency: 64, rate: 1000, transfers: 7 }],
];
for (const [args, expected] of latencies)
  test(`options: latency and rate of '${args.join(' ')}'`, () => {
    const { latency, rate, transfers } = parseRunOptions(['--parallel', ...args]).config;
    assert.deepEqual({ latency, rate, transfers }, expected);
  });

test('options: an option right after --latency is an option', () => {
  const { config } = parseRunOptions(['--latency', '--eventidx', '--parallel']);
  assert.deepEqual([config.latency, config.eventidx, config.parallel], [64, true, true]);
});

test('options: distributions, with latency measured by itself or for a rate', () => {
  assert.equal(parseRunOptions(['--latency', '--hgrm', 'x']).hgrm, 'x');
  assert.equal(parseRunOptions(['--rate', '5', '--hgrm', 'x']).hgrm, 'x');
  assert.equal(parseRunOptions([]).hgrm, null);
});

const idleOptions: [args: string[], names: string[], why: string][] = [
  [['--fast-vringh', '--transfers', '5', '--eventidx'], ['fast-vringh', 'transfers'], 'without --parallel'],
  [['--parallel', '--fast-vringh', '--complete-batch', '4', '--batch', '4'], ['complete-batch'], 'with --fast-vringh'],
  [['--parallel', '--fast-vringh', '--slow-range'], ['slow-range'], 'with --fast-vringh'],
  [['--parallel', '--doorbell', 'futex', '--spin-us', '0'], ['spin-us'], 'with --doorbell futex'],
  [['--parallel', '--doorbell', 'adaptive', '--spin-us', '0'], [], ''],
  [['--parallel', '--layout', 'null', '--eventidx', '--batch', '4'], ['eventidx'], 'with --layout null'],
];
for (const [args, names, why] of idleOptions)
  test(`options: what changes nothing is named: ${args.join(' ')}`, () => {
    const expected = names.map((name) => `--${name} has no effect ${why}`);
    assert.deepEqual(parseRunOptions(args).idle, expected);
  });

const counts: [text: string, expected: number][] = [
  ['7', 7],
  ['200k', 200_000],
  ['1.5k', 1500],
  ['10M', 10_000_000],
  ['0.000001M', 1],
  ['1.1M', 1_100_000],
];
for (const [text, expected] of counts)
  test(`options: ${text} is ${expected}`, () => assert.equal(countOf('--n', text, 0, 1e9), expected));

test('options: the nearest candidate is named only if it is near', () => {
  assert.equal(nearest('--paralel', ['--parallel', '--indirect']), '; did you mean --parallel?');
  assert.equal(nearest('--xyzzy', ['--parallel', '--indirect']), '');
});

test('options: the help names every option and every choice', () => {
  const help = optionsHelp();
  for (const name of Object.keys(RUN_OPTIONS)) assert.match(help, new RegExp(`^  --${name}\\b`, 'm'));
  for (const choice of ['alternate', 'echo', 'seqcst', 'futex', 'split'])
    assert.match(help, new RegExp(`\\b${choice}\\b`));
});
