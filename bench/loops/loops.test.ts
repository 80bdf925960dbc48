/**
 * Both loops of both sides by turns on one thread, with every engine: the same states, the same counters, and a ring and
 * payloads that are equal byte for byte after each turn.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type DoorbellHandle, SilentDoorbell } from '../../src/doorbell/doorbell.ts';
import { DOORBELLS } from '../../src/doorbell/index.ts';
import { inCombinations } from '../../src/test-length.ts';
import type { EngineName } from '../axes/engines.ts';
import type { LoopName } from '../axes/loops.ts';
import { WORKLOADS } from '../axes/workloads.ts';
import { UNPACED } from '../latency/pace.ts';
import { NO_PROBE } from '../latency/round-trip.ts';
import { bindPair, makePair, type PairConfig } from '../pair/setup.ts';
import { parseRunOptions } from '../run/options.ts';
import { jsLoops } from './js/maker.ts';
import { IDLE, type Loop, MUST_WAIT, REACHED } from './loop.ts';
import { isPolling, type LoopMaker } from './maker.ts';
import { wasmLoops } from './wasm/maker.ts';

const MAKERS: Record<LoopName, LoopMaker> = { js: jsLoops, wasm: wasmLoops };
const LIMIT = 700;
const TURNS_MAX = 5000;

/** No clock decides: nobody looks on, and the CPU is shared. */
function configOf(args: readonly string[]): PairConfig {
  const { config } = parseRunOptions(['--parallel', '--ordering', 'wasm', '--look-us', '0', ...args]);
  const features = { indirect: config.indirect, eventIdx: config.eventidx, version1: config.virtio1 };
  return { ...config, features, apart: false, crossing: false };
}

interface Turn {
  side: string;
  state: number;
  done: number;
  suppressed: number;
  rings: number;
  memory: string;
}

/** What every turn left. The host begins now and then, so that each waits for the other. */
function turnsOf(config: PairConfig): Turn[] {
  const setup = makePair(config);
  const { guestHandle, hostHandle, memory } = setup;
  const strategy = DOORBELLS[config.doorbell];
  const bellOf = (handle: DoorbellHandle) => (isPolling(config) ? new SilentDoorbell() : strategy.doorbell(handle));
  const [kick, call] = [bellOf(hostHandle), bellOf(guestHandle)];
  const maker = MAKERS[config.loop];
  const pair = bindPair(setup);
  const guest = maker.guest(pair, kick, { probe: NO_PROBE, pace: UNPACED, sampleEvery: 0 });
  const host = maker.host(bindPair(setup), call, null);
  // The guest's memory, without what the engines keep behind it.
  const shown = () =>
    createHash('sha256')
      .update(new Uint8Array(memory.buffer, 0, pair.region.sizeBytes))
      .digest('hex');
  const sides: [string, Loop, { rings: number }][] = [
    ['guest', guest, kick],
    ['host', host, call],
  ];
  const turns: Turn[] = [];
  for (const [, loop] of sides) loop.restart(0);
  for (let turn = 0; turn < TURNS_MAX; turn++) {
    const [side, loop, bell] = sides[turn % 2]!;
    const state = loop.advance(LIMIT, true);
    turns.push({ side, state, done: loop.done, suppressed: loop.suppressed, rings: bell.rings, memory: shown() });
    if (state === MUST_WAIT) loop.woken();
    if (turns.length > 1 && turns.at(-1)!.state === REACHED && turns.at(-2)!.state === REACHED) return turns;
  }
  assert.fail(`not done after ${TURNS_MAX} turns: ${JSON.stringify(turns.slice(-2))}`);
}

const OTHERS: [EngineName, LoopName][] = [
  ['wasm', 'js'],
  ['wasm', 'wasm'],
];
const features = [[], ['--eventidx'], ['--indirect', '--eventidx'], ['--indirect', '--virtio-1']];
const knobs = [
  [],
  ['--batch', '1', '--complete-batch', '1'],
  ['--batch', '5', '--complete-batch', '3', '--outstanding', '7'],
  ['--outstanding', '1', '--delayed-interrupt', 'off'],
  ['--ring-size', '8'],
  ['--fast-vringh'],
  ['--virtio-1', '--ring-place', 'apart'],
];

for (const [i, workload] of Object.keys(WORKLOADS).entries())
  for (const [j, feature] of features.entries())
    for (const [k, knob] of knobs.entries()) {
      if (!inCombinations(i, j, k) || (workload === 'echo' && knob.includes('--fast-vringh'))) continue;
      const flags = [...feature, ...knob.filter((one) => !feature.includes(one))];
      const args = ['--workload', workload, ...(workload === 'bulk' ? ['--size', '44'] : []), ...flags];
      test(`loops: alike whatever they are made with: ${args.join(' ')}`, () => {
        const expected = turnsOf(configOf(['--engine', 'js', ...args]));
        assert.equal(expected.at(-1)!.done, LIMIT);
        assert.ok(expected.some(({ state }) => state === MUST_WAIT || state === IDLE));
        for (const [engine, loop] of OTHERS) {
          const turns = turnsOf(configOf(['--engine', engine, '--loop', loop, ...args]));
          for (const [turn, one] of turns.entries())
            assert.deepEqual(one, expected[turn], `engine ${engine}, loop ${loop}, turn ${turn}`);
          assert.equal(turns.length, expected.length);
        }
      });
    }

test('loops: with doorbell poll nothing rings, and nothing is asked for', () => {
  for (const [engine, loop] of [['js', 'js'] as const, ...OTHERS]) {
    const turns = turnsOf(configOf(['--engine', engine, '--loop', loop, '--doorbell', 'poll', '--eventidx']));
    assert.ok(turns.every(({ rings, suppressed, state }) => rings + suppressed === 0 && state !== MUST_WAIT));
    assert.equal(turns.at(-1)!.done, LIMIT);
  }
});
