/** The command whose output is not read, or cannot be written: a process of its own, as a shell sees it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { after, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { whyUnavailable } from '../../src/native/libc.ts';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const GUEST = fileURLToPath(new URL('../../src/launcher/test-guest.js', import.meta.url));
/** Of a process that does not end: it is killed. */
const BOUND_MS = 60_000;
const folder = mkdtempSync(join(tmpdir(), 'launch-output-'));
after(() => rmSync(folder, { recursive: true }));

/** Its end: the exit code, or the signal. Never later than the bound. */
function endOf(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  const timer = setTimeout(() => child.kill('SIGKILL'), BOUND_MS);
  return new Promise((resolve) =>
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      resolve(code ?? signal);
    }),
  );
}

/** Until all that this end takes by itself has come, and time enough to fill what lies behind it. */
async function unread(output: Readable): Promise<void> {
  while (output.readableLength < output.readableHighWaterMark && !output.destroyed) {
    output.read(0);
    await delay(1);
  }
  await delay(200);
}

/** What was said on standard error, once that is over. It is told to end when `last` was said. */
async function errorsOf(child: ChildProcess, last: RegExp): Promise<string> {
  let text = '';
  for await (const piece of child.stderr!) {
    text += piece;
    if (last.test(text)) child.kill('SIGTERM');
  }
  return text;
}

const noPty = ['script', 'stty'].every((name) => spawnSync(name, ['--version']).status === 0)
  ? (whyUnavailable() ?? false)
  : 'needs script and stty';

/** These wait far more than they compute. */
suite('launch: output', { concurrency: 4 }, () => {
  for (const act of ['babble', 'chatter'])
    for (const [signal, code] of [
      ['SIGTERM', 130],
      ['SIGINT', 130],
    ] as const)
      test(`launch: ${signal} ends a guest of endless ${act} though nothing reads it`, async () => {
        const child = spawn(process.execPath, [MAIN, 'launch', '4', GUEST, act], {
          stdio: ['ignore', 'pipe', 'ignore'],
        });
        const ended = endOf(child);
        await unread(child.stdout);
        child.kill(signal);
        assert.equal(await ended, code);
      });

  for (const act of ['babble', 'chatter'])
    test(`launch: a full device for endless ${act} is told of once, and SIGTERM ends it`, async () => {
      const full = openSync('/dev/full', 'w');
      const child = spawn(process.execPath, [MAIN, 'launch', '4', GUEST, act], { stdio: ['ignore', full, 'pipe'] });
      closeSync(full);
      const errors = errorsOf(child, /ENOSPC/);
      const ended = endOf(child);
      const lines = (await errors).split('\n').filter((line) => /ENOSPC/.test(line));
      assert.equal(await ended, 1);
      assert.equal(lines.length, 1, lines.slice(0, 3).join('\n'));
    });

  test('launch: a guest that halts behind a slow reader loses nothing', async () => {
    const PIECES = 200;
    const child = spawn(process.execPath, [MAIN, 'launch', '4', GUEST, `babble ${PIECES}`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = endOf(child);
    await unread(child.stdout);
    let bytes = 0;
    for await (const piece of child.stdout) bytes += (piece as Buffer).length;
    assert.equal(await ended, 0);
    assert.equal(bytes, PIECES * 4096);
  });

  for (const act of ['babble', 'chatter'])
    test(`launch: SIGTERM ends it at a terminal that shows no more (${act}), as it was before`, {
      skip: noPty,
    }, async () => {
      const [pid, before, later] = ['pid', 'before', 'later'].map((name) => join(folder, `${act}.${name}`));
      const program = `'${process.execPath}' '${MAIN}' launch 4 '${GUEST}' ${act}`;
      const command = `stty -a > ${before}; sh -c 'echo $$ > ${pid}; exec ${program.replaceAll("'", '')}'; stty -a > ${later}`;
      const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
      const ended = endOf(child);
      await unread(child.stdout);
      const launched = Number(readFileSync(pid!, 'utf8'));
      process.kill(launched, 'SIGTERM');
      const deadline = performance.now() + BOUND_MS;
      while (existsSync(`/proc/${launched}`) && performance.now() < deadline) await delay(10);
      const isGone = !existsSync(`/proc/${launched}`);
      child.stdout.resume();
      if (!isGone) process.kill(launched, 'SIGKILL');
      child.stdin.end();
      await ended;
      assert.ok(isGone, 'it lived on');
      assert.equal(readFileSync(later!, 'utf8'), readFileSync(before!, 'utf8'));
    });
});
