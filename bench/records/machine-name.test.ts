import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../command-line/option-values.ts';
import { parseDriveOptions } from '../drive/options.ts';
import { parseMatrixOptions } from '../matrix/options.ts';
import { parseMicroOptions } from '../micro/options.ts';
import { parseRunOptions } from '../run/options.ts';
import { captureEnvironment } from './environment.ts';
import { derivedName, type MachineTraits, machineTraits, sharedNameNote } from './machine-name.ts';

const GIB = 2 ** 30;
const ID = '0123456789abcdef0123456789abcdef';
const EPYC: MachineTraits = { id: ID, model: 'AMD EPYC 9B45 Processor', cpus: 2, memoryBytes: 7.6 * GIB };

const derived: [what: string, traits: MachineTraits, name: string][] = [
  ['with an id, as ever', EPYC, 'amd-epyc-9b45-2cpu-da8782a1'],
  ['with an id, whatever its memory', { ...EPYC, memoryBytes: 1 }, 'amd-epyc-9b45-2cpu-da8782a1'],
  ['without one', { ...EPYC, id: null }, 'amd-epyc-9b45-2cpu-8gib'],
  ['without one, by another kernel', { ...EPYC, id: null, memoryBytes: 7.7 * GIB }, 'amd-epyc-9b45-2cpu-8gib'],
  ['without one, with more memory', { ...EPYC, id: null, memoryBytes: 15.2 * GIB }, 'amd-epyc-9b45-2cpu-16gib'],
  ['without anything', { id: null, model: '', cpus: 0, memoryBytes: GIB }, 'machine-0cpu-1gib'],
];
for (const [what, traits, name] of derived)
  test(`machine: called by its model and CPUs, ${what}`, () => {
    assert.equal(derivedName(traits), name);
    const note = sharedNameNote(traits);
    if (traits.id !== null) assert.equal(note, null);
    else
      assert.match(
        note!,
        RegExp(`has no /etc/machine-id: it is called ${name} by .*; --machine NAME tells them apart$`),
      );
  });

/** What a process finds in a container of that host name that has no id; null: none can be had here. */
function inContainer(name: string): string | null {
  const environment = JSON.stringify(new URL('./environment.js', import.meta.url).href);
  const program = `
    const { captureEnvironment } = await import(${environment});
    const { hostname } = await import('node:os');
    const notes = [];
    const { machine } = captureEnvironment(null, (note) => notes.push(note));
    console.log(JSON.stringify({ hostname: hostname(), machine, notes: notes.length }));`;
  const script = `
    hostname "$1"
    for file in /etc/machine-id /var/lib/dbus/machine-id; do
      if [ -e $file ]; then mount --bind /dev/null $file; fi
    done
    exec "$2" --input-type=module -e "$3"`;
  const { status, stdout } = spawnSync(
    'unshare',
    ['--mount', '--uts', 'sh', '-ec', script, 'sh', name, process.execPath, program],
    { encoding: 'utf8', timeout: 60_000 },
  );
  return status === 0 ? stdout : null;
}

test('machine: two starts of a container without an id are one machine, and each says so once', (t) => {
  const starts = ['f00dfeedf00d', 'beefcafebeef'].map(inContainer);
  if (starts.includes(null)) {
    t.skip('this user may make no container');
    return;
  }
  const machine = derivedName({ ...machineTraits(), id: null });
  assert.deepEqual(
    starts.map((text) => JSON.parse(text!)),
    ['f00dfeedf00d', 'beefcafebeef'].map((name) => ({ hostname: name, machine, notes: 1 })),
  );
});

test('machine: no part of the name is the host’s', () => {
  const { machine } = captureEnvironment();
  assert.ok(!machine.includes(hostname()));
});

const PARSERS: Record<string, (args: string[]) => string | null | undefined> = {
  run: (args) => parseRunOptions(['--parallel', ...args]).machine,
  matrix: (args) => parseMatrixOptions(args).machine,
  micro: (args) => parseMicroOptions(args).machine,
  drive: (args) => parseDriveOptions(['blk', '--socket', 'a', ...args])?.machine,
};
const names = ['a', 'build-7', 'Rack_3.left', '0', 'x'.repeat(64)];
const noNames = ['.', '..', '-a', '_a', 'a/b', 'a b', 'ä', 'a\n', 'x'.repeat(65), '\u202ea', '$(a)'];
for (const [command, parse] of Object.entries(PARSERS))
  test(`machine: ${command} takes a name, and only one that can be a file’s`, () => {
    assert.equal(parse([]), null);
    for (const name of names) assert.equal(parse(['--machine', name]), name);
    for (const name of noNames)
      assert.throws(
        () => parse([`--machine=${name}`]),
        (error) => error instanceof UsageError && error.message.startsWith('--machine wants a name of '),
        name,
      );
  });

test('machine: a name that is given is the record’s, and nothing need be said', () => {
  const notes: string[] = [];
  const { machine } = captureEnvironment('rack-3', (note) => notes.push(note));
  assert.deepEqual([machine, notes], ['rack-3', []]);
});

test('machine: a run goes by its name', () => {
  const main = fileURLToPath(new URL('../main.js', import.meta.url));
  const args = ['run', '--parallel', '--transfers', '1k', '--warmup', '0', '--layout', 'null', '--machine', 'rack-3'];
  const { stdout } = spawnSync(process.execPath, [main, ...args, '--json', '--out', 'none'], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(JSON.parse(stdout).environment.machine, 'rack-3');
});
