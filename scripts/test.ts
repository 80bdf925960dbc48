/**
 * Tests of the built output, all of them or those named, more files at once than CPUs: many wait more than they
 * compute. What failed is told again at the end, wherever the output goes. Options go on to `node --test`.
 *
 *     npm test [-- --long] [FILES, FOLDERS AND OPTIONS OF node --test]
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { argv, env, execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { boundCommand } from '../src/processes/bound-child.ts';
import { testArguments } from './find-tests.ts';

/** As many files more at once than CPUs: on two CPUs about half of the files that run wait for a while. */
const WAITING = 2;

const DIST = fileURLToPath(new URL('..', import.meta.url));

const args = argv.slice(2);
const long = args.includes('--long');
const { files, options } = testArguments(
  args.filter((arg) => arg !== '--long'),
  DIST,
);
const reporter = options.some((option) => option.startsWith('--test-reporter')) ? [] : ['--test-reporter=spec'];
const bound = boundCommand(execPath, [
  ...['--test', ...reporter, `--test-concurrency=${availableParallelism() + WAITING}`],
  ...[...options, ...files],
]);
const child = spawn(
  bound.command,
  bound.args,
  // See src/test-length.ts.
  { stdio: 'inherit', env: long ? { ...env, VRINGBENCH_TESTS: 'long' } : env },
);
// Ctrl-C reaches both; the tests' own end is told.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => child.kill(name));
child.on('exit', (code, signal) => {
  process.exitCode = signal === null ? (code ?? 1) : 1;
});
