/** Programs that get too little: each says so in one line, and ends. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { imageFile } from '../../src/devices/test-image.ts';
import { whyUnavailable } from '../../src/native/libc.ts';
import { shortageLine } from './shortage.ts';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'shortage-'));
after(() => rmSync(folder, { recursive: true }));
const disk = imageFile(folder);
const native = whyUnavailable() ?? (existsSync('/proc/self/limits') ? false : 'needs /proc');

const MEBI_KIB = 1024;
/** Enough for a program without threads of its own, and too little for one. KiB, as ulimit takes it. */
const LITTLE_MEMORY = String(1200 * MEBI_KIB);
/** Less than the modules of the program. */
const FEW_DESCRIPTORS = '28';

const COMMANDS: Record<string, string[]> = {
  launch: ['launch', `--block=${disk}`, '16', 'hello'],
  serve: ['serve', 'blk', '--threads', '--socket', join(folder, 'a.sock'), '--image', disk],
  drive: ['drive', 'blk', '--socket', join(folder, 'absent.sock')],
  run: ['run', '--parallel', '--transfers', '1k'],
  'run in one thread': ['run'],
  'run with a process a pair': ['run', '--parallel', '--pairs-in', 'process', '--transfers', '1k', '--out', 'none'],
  micro: ['micro', '--only', 'load', '--ordering', 'seqcst', '--time', '1'],
};

const limits: [string, string, string, RegExp][] = [
  ['too little memory', '-v', LITTLE_MEMORY, /memory/],
  ['too few descriptors', '-n', FEW_DESCRIPTORS, /too few descriptors .*ulimit -n/],
];
for (const [what, limit, value, expected] of limits)
  for (const [name, args] of Object.entries(COMMANDS))
    test(`${name}: ${what}: one line`, { skip: native }, () => {
      const script = `ulimit ${limit} ${value}; exec "$@"`;
      const { stdout, stderr, status } = spawnSync('sh', ['-c', script, 'sh', process.execPath, MAIN, ...args], {
        ...{ encoding: 'utf8', timeout: 60_000, stdio: ['ignore', 'pipe', 'pipe'] },
      });
      assert.match(stderr, /^(vringbench|failed): [^\n]*\n$/);
      // Drive needs no memory of its own before it is connected.
      if (name !== 'drive' || limit === '-n') assert.match(stderr, expected);
      // What it was told to do may have been said before.
      assert.match(stdout, /^( {2}configuration [^\n]*\n)?$/);
      assert.ok(status === 1 || status === 2 || status === 3, `exit ${status}`);
    });

const errors: [unknown, string | null][] = [
  [
    Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' }),
    'too few descriptors are allowed here (ulimit -n): EMFILE: too many open files',
  ],
  [
    new RangeError('WebAssembly.Memory(): could not allocate memory'),
    'too little memory (ulimit -v): WebAssembly.Memory(): could not allocate memory',
  ],
  [
    Object.assign(new Error("EACCES: permission denied, open '/a'\nmore"), { code: 'EACCES', syscall: 'open' }),
    "EACCES: permission denied, open '/a'",
  ],
  [new RangeError('Invalid string length'), 'more records than fit one text: choose fewer'],
  [new Error('something else'), null],
  ['EMFILE', null],
];
for (const [error, expected] of errors) test(`shortage: ${error}`, () => assert.equal(shortageLine(error), expected));
