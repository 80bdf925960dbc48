import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { boundCommand, findProgram } from './bound-child.ts';

const folder = mkdtempSync(join(tmpdir(), 'bound-child-'));
after(() => rmSync(folder, { recursive: true }));

const MODULE = fileURLToPath(new URL('./bound-child.js', import.meta.url));
const BOUND_MS = 60_000;
const skip = boundCommand('true', []).command === 'true' ? 'needs setpriv with --pdeathsig' : false;

test('findProgram: the first that can be run', () => {
  const [none, plain, first, second] = ['none', 'plain', 'first', 'second'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
  ];
  for (const path of [plain, first, second]) mkdirSync(path);
  mkdirSync(join(plain, 'folder'));
  writeFileSync(join(plain, 'program'), '', { mode: 0o644 });
  for (const path of [first, second])
    for (const name of ['program', 'folder']) writeFileSync(join(path, name), '', { mode: 0o755 });
  // Who may do everything may not run a file that nobody may.
  assert.equal(findProgram('program', [none, plain, '', first, second].join(':')), join(first, 'program'));
  assert.equal(findProgram('folder', `${plain}:${second}`), join(second, 'folder'));
  assert.equal(findProgram('program', plain), null);
  assert.equal(findProgram('program', ''), null);
});

/** Waits for what must come. */
async function until(what: string, condition: () => boolean): Promise<void> {
  const end = Date.now() + BOUND_MS;
  while (!condition()) {
    assert.ok(Date.now() < end, `${what} did not come`);
    await sleep(5);
  }
}

function isAlive(process: number): boolean {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${process}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** Each starts a program that writes its number into a file, and waits. */
const script = (file: string) => `echo $$ > ${file}.new; mv ${file}.new ${file}; exec sleep 1000`;
const parents: [string, (file: string) => string][] = [
  [
    'a child',
    (file) => `const { command, args } = boundCommand('sh', ['-c', ${JSON.stringify(script(file))}]);
      spawn(command, args, { stdio: 'ignore' });`,
  ],
  [
    'a group',
    (file) => `const { command, args } =
        boundCommand('sh', ['-c', ${JSON.stringify(`sh -c '${script(file)}'; true`)}], { leadsGroup: true });
      spawn(command, args, { stdio: 'ignore', detached: true });`,
  ],
  [
    'a child of Node with a channel',
    (file) => `writeFileSync('${file}.mjs', "import { writeFileSync as w, renameSync as r } from 'node:fs'; " +
        "process.send(7); process.on('disconnect', () => {}); w('${file}.new', String(process.pid)); " +
        "r('${file}.new', '${file}'); setInterval(() => {}, 1000);");
      const { command, args } = boundCommand(process.execPath, []);
      fork('${file}.mjs', { execPath: command, execArgv: args, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });`,
  ],
];
for (const [i, [what, code]] of parents.entries())
  test(`bound child: ${what} ends with a parent that is killed`, { skip }, async () => {
    const file = join(folder, `pid-${i}`);
    const imports = `import { fork, spawn } from 'node:child_process'; import { writeFileSync } from 'node:fs';
      import { boundCommand } from ${JSON.stringify(MODULE)};`;
    const parent = spawn(
      process.execPath,
      ['--input-type=module', '-e', `${imports} ${code(file)} setInterval(() => {}, 1000);`],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    await until('its child', () => existsSync(file));
    const child = Number(readFileSync(file, 'utf8'));
    assert.equal(isAlive(child), true);
    parent.kill('SIGKILL');
    await until("the child's end", () => !isAlive(child));
  });

const ends: [string, string, boolean, number | null, NodeJS.Signals | null][] = [
  // what, how it ends, whether it leads a group, code, signal
  ['all well', 'exit 0', false, 0, null],
  ['an exit code', 'exit 3', false, 3, null],
  ['a signal', 'kill -SEGV $$', false, null, 'SIGSEGV'],
  ['all well, of a group', 'exit 0', true, 0, null],
  ['an exit code, of a group', 'exit 3', true, 3, null],
  ['a signal, of a group', 'kill -SEGV $$', true, 139, null],
];
for (const [what, end, leadsGroup, code, signal] of ends)
  test(`bound child: ${what} is seen`, { skip }, () => {
    const { command, args } = boundCommand('sh', ['-c', `cat; echo said; ${end}`], { leadsGroup });
    const ended = spawnSync(command, args, { input: leadsGroup ? '' : 'in ', encoding: 'utf8' });
    assert.deepEqual([ended.status, ended.signal], [code, signal]);
    assert.equal(ended.stdout, leadsGroup ? 'said\n' : 'in said\n');
  });

test('bound child: what cannot be started is named by the system', () => {
  const { command, args } = boundCommand('/nowhere/program', ['a']);
  assert.deepEqual([command, args], ['/nowhere/program', ['a']]);
});

test('bound child: a parent that is gone before the child has begun leaves none', { skip }, () => {
  const { command, args } = boundCommand('echo', ['it runs']);
  // The number of another process in the place of ours.
  const stale = args.map((word) => (word === String(process.pid) ? '1' : word));
  const ended = spawnSync(command, stale, { encoding: 'utf8' });
  assert.deepEqual([ended.status, ended.stdout], [137, '']);
});
