import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRunOptions } from '../run/options.ts';
import { CONFIGURATION_FIELDS, configurationKey } from './configuration.ts';
import { ALWAYS_NAMED, configurationName, LEFT_OUT } from './configuration-name.ts';
import { configSchema, type RunConfig } from './record.ts';
import { HOSTILE_LABEL } from './test-record.ts';

/** Of what names leave out, which the test below keeps as it is, so that no default of today is in it. */
const CONFIG: RunConfig = {
  ...LEFT_OUT,
  ...{ engine: 'wasm', ordering: 'wasm', doorbell: 'adaptive', layout: 'split', host: 'vringh' },
  eventidx: true,
  repeat: 1,
  timeout: 10,
};
const OF_TODAY = 'ring/engine=wasm/ordering=wasm/doorbell=adaptive/layout=split/host=vringh';
const OF_ONCE = 'ring/engine=js/ordering=seqcst/doorbell=futex/layout=split/host=vringh';
const ONCE: Partial<RunConfig> = { engine: 'js', ordering: 'seqcst', doorbell: 'futex' };

const names: [what: string, change: Partial<RunConfig>, name: string][] = [
  ['the default of today', { eventidx: false }, OF_TODAY],
  ['the default of once', { ...ONCE, eventidx: false }, OF_ONCE],
  ['the first example of the README', {}, `${OF_TODAY}/eventidx=on`],
  ['the same when engine js and doorbell futex were the default', ONCE, `${OF_ONCE}/eventidx=on`],
  ['as often and as patient as you like', { repeat: 7, timeout: 3 }, `${OF_TODAY}/eventidx=on`],
  ['flags and numbers', { indirect: true, batch: 4 }, `${OF_TODAY}/indirect=on/eventidx=on/batch=4`],
  [
    'a window and a warm-up of other lengths',
    { eventidx: false, transfers: 20_000, warmup: 5000 },
    `${OF_TODAY}/transfers=20000/warmup=5000`,
  ],
  [
    'a schedule',
    { eventidx: false, transfers: 100_000, latency: 1, rate: 10_000 },
    `${OF_TODAY}/transfers=100000/latency=1/rate=10000`,
  ],
  ['a smaller ring', { eventidx: false, ringSize: 64, outstanding: 64 }, `${OF_TODAY}/ringSize=64/outstanding=64`],
  [
    'an ordering that is not guaranteed',
    { eventidx: false, engine: 'js', ordering: 'fence', orderingSound: false },
    'ring/engine=js/ordering=fence/doorbell=adaptive/layout=split/host=vringh/orderingSound=off',
  ],
  ['CPUs of pairs', { eventidx: false, cpus: '0,1/2,3', pairs: 2 }, `${OF_TODAY}/cpus=0,1_2,3/pairs=2`],
];
for (const [what, change, name] of names)
  test(`configuration name: ${what}`, () => assert.equal(configurationName({ ...CONFIG, ...change }), name));

test('configuration name: what is left out never changes, nor does the order', () => {
  assert.deepEqual(ALWAYS_NAMED, ['engine', 'ordering', 'doorbell', 'layout', 'host']);
  assert.equal(
    JSON.stringify(LEFT_OUT),
    '{"parallel":true,"indirect":false,"eventidx":false,"virtio1":false,"slowRange":false,"fastVringh":false,' +
      '"transfers":10000000,"warmup":"auto","ringSize":256,"workload":"alternate","size":4,"orderingSound":true,' +
      '"cpus":"distant","pairs":1,"pairsIn":"thread","spinUs":50,"batch":1,"outstanding":256,' +
      '"delayedInterrupt":true,"completeBatch":1,"exitCost":0,"latency":0,"rate":0,"loop":"js","lookUs":0,"ringPlace":"legacy"}',
    'a value that changes here renames benchmarks in every history; a new field goes to the end',
  );
});

test('configuration name: every field of the configuration has its place', () => {
  assert.deepEqual([...ALWAYS_NAMED, ...Object.keys(LEFT_OUT)].sort(), [...CONFIGURATION_FIELDS].sort());
});

test('configuration name: a record from before a field is called as it was', () => {
  const later = CONFIGURATION_FIELDS.filter((field) => {
    const read = configSchema.safeParse({ ...CONFIG, [field]: undefined });
    if (!read.success || !(field in LEFT_OUT)) return false;
    assert.equal(read.data[field], LEFT_OUT[field as keyof typeof LEFT_OUT], field);
    return true;
  });
  assert.ok(later.includes('pairs'));
});

/** Another value of each field. */
const others = (config: RunConfig): RunConfig[] =>
  CONFIGURATION_FIELDS.map((field) => {
    const value = config[field];
    const other = typeof value === 'boolean' ? !value : typeof value === 'number' ? value + 1 : `${value}x`;
    return { ...config, [field]: other };
  });

test('configuration name: another one for each other configuration, and only for that', () => {
  const placed = [
    '0,1/2,3',
    '0,1_2,3',
    '0,1 2,3',
    '0,1+20+2,3',
    HOSTILE_LABEL,
    `${HOSTILE_LABEL} `,
    '\ud800',
    '\udfff',
  ];
  const long = ['a', 'b'].map((end) => `${'x'.repeat(5000)}${end}`);
  const configs = [
    CONFIG,
    { ...CONFIG, ...ONCE },
    ...others(CONFIG),
    ...[...placed, ...long].map((cpus) => ({ ...CONFIG, cpus })),
    parseRunOptions(['--parallel', '--indirect']).config,
  ];
  assert.equal(new Set(configs.map(configurationKey)).size, configs.length);
  assert.equal(new Set(configs.map((config) => configurationName(config))).size, configs.length);
  for (const config of configs) {
    const shuffled = Object.fromEntries(Object.entries({ ...config, repeat: 9, timeout: 1 }).reverse()) as RunConfig;
    assert.equal(configurationName(shuffled), configurationName(config));
  }
});

test('configuration name: nothing in it ends a field, a line or a string, and it is not endless', () => {
  for (const cpus of [HOSTILE_LABEL, '\u202e', 'x'.repeat(5000)]) {
    const name = configurationName({ ...CONFIG, cpus });
    assert.equal(name.replaceAll(/[A-Za-z0-9_.,+=/-]/g, ''), '');
    assert.ok(name.length <= 1000, `${name.length}`);
  }
});
