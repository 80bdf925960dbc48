/** Programs that end in every way. The shell plays them. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../peers/failure.ts';
import { Interrupted, parseTimes, runChild, runTimed } from './child.ts';

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));
const BOUND = { timeoutMs: 60_000 };
const sh = (script: string, options = BOUND) => runTimed('sh', ['-c', script], options);

test('child: its output, and its time and that of what it forked', async () => {
  const { out, err, times } = await sh(
    'echo out; echo err >&2; sh -c "i=0; while [ \\$i -lt 50000 ]; do i=\\$((i+1)); done"',
  );
  assert.deepEqual([out, err], ['out\n', 'err\n']);
  assert.ok(times.wallNs > 0 && times.cpuUserNs + times.cpuSystemNs > 0);
});

const failures: [what: string, run: () => Promise<unknown>, message: RegExp][] = [
  ['exit code', () => sh('echo why >&2; exit 3'), /^sh: exit code 3: why$/],
  ['nothing said', () => sh('exit 3'), /^sh: exit code 3$/],
  ['a signal', () => sh('kill -SEGV $$'), /^sh: exit code 139/],
  ['not there', () => runTimed('/nowhere/program', [], BOUND), /^\/nowhere\/program: exit code 127: .*No such file/],
  ['not there, without a clock', () => runChild('/nowhere/program', [], BOUND), /program: .*ENOENT/],
  ['it hangs', () => sh('echo up; sleep 1000', { timeoutMs: 200 }), /^sh: still running after 0\.2 s/],
];
for (const [what, run, message] of failures)
  test(`child: ${what}`, () =>
    assert.rejects(run, (error) => error instanceof Failure && message.test((error as Error).message)));

test('child: an end from outside takes what it forked along', async () => {
  const file = join(folder, 'pid');
  const interrupted = new AbortController();
  const run = runTimed('sh', ['-c', `sh -c 'echo $$ > ${file}.new; mv ${file}.new ${file}; sleep 1000'; true`], {
    ...BOUND,
    signal: interrupted.signal,
  });
  while (!existsSync(file)) await sleep(5);
  interrupted.abort();
  await assert.rejects(run, Interrupted);
  const stat = `/proc/${readFileSync(file, 'utf8').trim()}/stat`;
  while (existsSync(stat) && !/\) Z/.test(readFileSync(stat, 'utf8'))) await sleep(5);
  await assert.rejects(runChild('true', [], { ...BOUND, signal: interrupted.signal }), Interrupted);
});

test('times: three figures in seconds', () =>
  assert.deepEqual(parseTimes('1.500 0.250 12.001\n'), { wallNs: 1.5e9, cpuUserNs: 0.25e9, cpuSystemNs: 12.001e9 }));
for (const text of ['', '1,500 0,250 0,001\n', '1.5 2.5\n', '0.000 0.001 0.001\n'])
  test(`times: ${JSON.stringify(text)} are none`, () => assert.throws(() => parseTimes(text), Failure));
