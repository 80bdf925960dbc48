import assert from 'node:assert/strict';
import { test } from 'node:test';
import { basicLine, configurationLine, engineSwitch, fieldOf, sharedLine } from './configuration-line.ts';
import { type OptionName, parseRunOptions, RUN_AXES } from './options.ts';

const configOf = (args: string) => parseRunOptions(['--parallel', ...args.split(' ').filter(Boolean)]).config;

test('configuration line: every option that says what is measured has its field', () => {
  const config = configOf('');
  for (const name of Object.keys(RUN_AXES) as OptionName[]) assert.ok(fieldOf(name) in config, name);
});

const DEFAULT = 'engine wasm, ordering wasm, doorbell adaptive, ring-size 256, layout split, host vringh';
const lines: [args: string, expected: string][] = [
  ['', DEFAULT],
  ['--transfers 5k --warmup 1k --repeat 3 --timeout 1 --latency', DEFAULT],
  ['--engine wasm --outstanding 256', DEFAULT],
  ['--ring-size 64', DEFAULT.replace('256', '64')],
  ['--ring-size 64 --outstanding 256', `${DEFAULT.replace('256', '64')}, outstanding 256`],
  ['--host lguest', 'engine js, ordering seqcst, doorbell adaptive, ring-size 256, layout split, host lguest'],
  ['--eventidx --cpus same --delayed-interrupt off', `${DEFAULT}, eventidx, delayed-interrupt off, cpus same`],
  ['--doorbell futex', DEFAULT.replace('adaptive', 'futex')],
  ['--doorbell futex --look-us 50 --loop js', `${DEFAULT.replace('adaptive', 'futex')}, loop js, look-us 50`],
  ['--virtio-1 --spin-us 0 --exit-cost 5', `${DEFAULT}, virtio-1, spin-us 0, exit-cost 5`],
];
for (const [args, expected] of lines)
  test(`configuration line: of ${args || 'no options'}`, () =>
    assert.equal(configurationLine(configOf(args)), expected));

test('configuration line: two configurations that differ in what is measured have two lines', () => {
  const given = [
    ...['--indirect', '--eventidx', '--virtio-1', '--slow-range', '--fast-vringh', '--ring-size 64', '--workload echo'],
    ...['--workload bulk --size 8', '--layout null', '--host lguest', '--engine js', '--ordering fence'],
    ...[
      '--loop js',
      '--virtio-1 --ring-place apart',
      '--doorbell pipe',
      '--spin-us 1',
      '--look-us 1',
      '--batch 2',
      '--outstanding 2',
      '--delayed-interrupt off',
    ],
    ...['--complete-batch 2', '--exit-cost 1', '--cpus same', '--pairs 2', '--pairs-in process', '--rate 5'],
  ];
  const named = new Set(given.flatMap((args) => args.match(/(?<=--)[a-z0-9-]+/g)!));
  assert.deepEqual([...named].sort(), Object.keys(RUN_AXES).sort(), 'each is in the table');
  assert.equal(new Set(['', ...given].map((args) => configurationLine(configOf(args)))).size, given.length + 1);
});

test('configuration line: of several configurations, what all have', () => {
  assert.equal(
    sharedLine([configOf('--doorbell pipe --eventidx'), configOf('--doorbell futex --eventidx')]),
    'engine wasm, ordering wasm, ring-size 256, layout split, host vringh, eventidx',
  );
  assert.equal(
    sharedLine([configOf('--ring-size 64'), configOf('--ring-size 128 --batch 2')]),
    'engine wasm, ordering wasm, doorbell adaptive, layout split, host vringh',
  );
});

test('configuration line: of the basic test, what it looks at', () => {
  const basic = (...args: string[]) => basicLine(parseRunOptions(args).config);
  assert.equal(basic(), 'engine js, ordering seqcst');
  assert.equal(basic('--engine', 'wasm', '--doorbell', 'pipe'), 'engine js, ordering wasm');
  assert.equal(
    basic('--indirect', '--slow-range', '--ordering', 'fence'),
    'engine js, ordering fence, indirect, slow-range',
  );
});

const switches: [args: string, expected: string | null][] = [
  ['--parallel', null],
  ['--parallel --eventidx --doorbell pipe', null],
  ['--ordering wasm', null],
  ['--parallel --ordering wasm', 'engine js, not wasm, because --ordering is given; --engine wasm runs it, too'],
  ['--parallel --ordering wasm --engine wasm', null],
  ['--parallel --ordering wasm --engine js', null],
  ['--parallel --ordering fence', 'engine js, not wasm, because --ordering is given'],
  ['--parallel --host lguest', 'engine js, not wasm, because --host is given'],
  ['--parallel --host vringh', 'engine js, not wasm, because --host is given'],
  ['--parallel --layout null', 'engine js, not wasm, because --layout is given'],
  ['--parallel --slow-range --ordering wasm', 'engine js, not wasm, because --ordering, --slow-range are given'],
];
for (const [args, expected] of switches)
  test(`engine switch: ${args}`, () => {
    const { given, config } = parseRunOptions(args.split(' '));
    assert.equal(engineSwitch(given, [config]), expected);
  });

test('engine switch: of many configurations, the default engine must run all', () => {
  const { given, config } = parseRunOptions(['--parallel', '--ordering', 'wasm']);
  const fence = parseRunOptions(['--parallel', '--ordering', 'fence']).config;
  assert.match(engineSwitch(given, [config, config])!, /--engine wasm runs it, too$/);
  assert.match(engineSwitch(given, [config, fence])!, /is given$/);
});
