import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { allowedCpus, parseCpuList } from '../pair/pinning.ts';
import { cpusByDefault, cpusNote, PlacementError, placeThreads } from './placement.ts';

type Cpus = [guest: number | null, host: number | null];
const placed: [cpus: string, allowed: number[] | null, expected: Cpus[], apart: boolean][] = [
  ['distant', [0, 1, 2, 3], [[0, 3]], true],
  ['same', [2, 3], [[2, 2]], false],
  ['none', [0, 1], [[null, null]], true],
  ['1,0', [0, 1], [[1, 0]], true],
  ['1,1', [0, 1], [[1, 1]], false],
  ['distant', null, [[null, null]], true],
  [
    'distant',
    [0, 1, 2, 3],
    [
      [0, 3],
      [1, 2],
    ],
    true,
  ],
  // More than there are CPUs: from the beginning again.
  [
    'distant',
    [0, 1],
    [
      [0, 1],
      [1, 0],
      [0, 1],
    ],
    true,
  ],
  // The pair in the middle of an odd number: the next one, and from the beginning again.
  [
    'distant',
    [0, 2, 4],
    [
      [0, 4],
      [2, 4],
      [4, 0],
    ],
    true,
  ],
  [
    'same',
    [4, 6],
    [
      [4, 4],
      [6, 6],
      [4, 4],
    ],
    false,
  ],
  [
    'none',
    [0, 1],
    [
      [null, null],
      [null, null],
    ],
    true,
  ],
  [
    '0,1/3,2',
    [0, 1, 2, 3],
    [
      [0, 1],
      [3, 2],
    ],
    true,
  ],
];
for (const [cpus, allowed, expected, apart] of placed)
  test(`placement: ${cpus} on ${allowed ?? 'an unknown system'} of ${expected.length}`, () => {
    const placements = placeThreads(cpus, allowed, expected.length);
    assert.deepEqual(
      placements.map(({ guest, host }) => [guest, host]),
      expected,
    );
    for (const placement of placements) {
      assert.equal(placement.apart, apart);
      assert.equal(placement.required, cpus.includes(','));
      assert.equal(placement.unpinnedReason === '', placement.guest !== null);
    }
  });

const refused: [cpus: string, allowed: number[] | null, pairs: number, message: RegExp][] = [
  ['0,9', [0, 1], 1, /CPU 9 is not among those allowed here: 0,1/],
  ['0,1/0,9', [0, 1], 2, /CPU 9 is not among/],
  ['0', [0, 1], 1, /wants distant, same, none or two CPU numbers a pair/],
  ['0,1,2', [0, 1, 2], 1, /wants distant/],
  ['0,1/2', [0, 1, 2], 2, /wants distant/],
  ['0,1', [0, 1], 2, /names the CPUs of 1 of 2 pairs/],
  ['everywhere', [0], 1, /not 'everywhere'/],
  ['0,1', null, 1, /does not tell its CPUs/],
  ['distant', [5], 1, /^distant cannot be had: CPU 5 alone is allowed here, and both on it is --cpus same$/],
  ['distant', [5], 3, /^distant cannot be had: CPU 5 alone/],
  ['none', [0], 1, /^none cannot be had: CPU 0 alone is allowed here/],
];
for (const [cpus, allowed, pairs, message] of refused)
  test(`placement refuses: ${cpus} on ${allowed ?? 'an unknown system'} of ${pairs}`, () => {
    assert.throws(
      () => placeThreads(cpus, allowed, pairs),
      (error: unknown) => error instanceof PlacementError && message.test(error.message),
    );
  });

const defaults: [allowed: number[] | null, cpus: string, note: RegExp | null][] = [
  [[0, 1], 'distant', null],
  [null, 'distant', null],
  [[3], 'same', /^--cpus same, because CPU 3 alone is allowed here; else the default is distant$/],
];
for (const [allowed, cpus, note] of defaults)
  test(`placement: by default ${cpus} on ${allowed ?? 'an unknown system'}`, () => {
    assert.equal(cpusByDefault(allowed), cpus);
    if (note === null) assert.equal(cpusNote(allowed), null);
    else assert.match(cpusNote(allowed) ?? '', note);
  });

const lists: [list: string, cpus: number[]][] = [
  ['0', [0]],
  ['0-3', [0, 1, 2, 3]],
  ['0-1,4,6-7', [0, 1, 4, 6, 7]],
  ['', []],
  [' 2,9 \n', [2, 9]],
];
for (const [list, cpus] of lists)
  test(`pinning: the kernel's list '${list.trim()}'`, () => assert.deepEqual(parseCpuList(list), cpus));

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
/** A CPU, and a way to run the command on it alone; null where there is none. */
const only = spawnSync('taskset', ['--version']).status === 0 ? (allowedCpus()?.at(-1) ?? null) : null;
const skip = only === null && 'needs taskset';
const onOneCpu = (...args: string[]) =>
  spawnSync('taskset', ['-c', `${only}`, process.execPath, MAIN, ...args], { encoding: 'utf8', timeout: 120_000 });
/** Next to nothing, and without a harness. */
const SHORT = ['--transfers', '1k', '--warmup', '0', '--layout', 'null', '--doorbell', 'futex', '--out', 'none'];

test('placement: on one CPU a run is same, in its record, too, and says so', { skip }, () => {
  const { stdout, stderr, status } = onOneCpu('run', '--parallel', ...SHORT, '--json');
  assert.equal(status, 0, stderr);
  const { config, repetitions } = JSON.parse(stdout);
  const { guest, host } = repetitions[0].pairs[0];
  assert.deepEqual([config.cpus, guest.cpu, host.cpu], ['same', only, only]);
  assert.match(stderr, RegExp(`^note: --cpus same, because CPU ${only} alone is allowed here`, 'm'));
});

for (const cpus of ['distant', 'none'])
  for (const command of [['run', '--parallel'], ['matrix']])
    test(`placement: on one CPU ${command[0]} refuses ${cpus}`, { skip }, () => {
      const { stdout, stderr, status } = onOneCpu(...command, ...SHORT, '--cpus', cpus);
      assert.deepEqual([stdout, status], ['', 2]);
      assert.equal(
        stderr,
        `vringbench: --cpus ${cpus} cannot be had: CPU ${only} alone is allowed here, and both on it is --cpus same\n`,
      );
    });
