import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { boundCommand } from '../../src/processes/bound-child.ts';
import { Scope } from './scope.ts';

test('scope: what a peer says after its folder is gone is kept in memory', async () => {
  const scope = new Scope('test');
  const peer = scope.start('echo', 'cat', []);
  try {
    rmSync(scope.folder, { recursive: true });
    peer.type('late words\n');
    await peer.until('its words', ({ output }) => output.endsWith('\n'), 10_000);
    assert.equal(peer.said, 'late words\n');
  } finally {
    await scope.close('nothing');
  }
});

const SCOPE = fileURLToPath(new URL('./scope.js', import.meta.url));
const skip = boundCommand('true', []).command === 'true' ? 'needs setpriv with --pdeathsig' : false;

test('scope: a process that is killed leaves no peer, and the next no folder', { skip }, async () => {
  const env = { ...process.env, TMPDIR: mkdtempSync(join(tmpdir(), 'scope-')) };
  const run = (code: string) => {
    const module = `import { Scope } from ${JSON.stringify(SCOPE)}; const scope = new Scope('test'); ${code}`;
    return spawn(process.execPath, ['--input-type=module', '-e', module], {
      ...{ env, stdio: ['ignore', 'pipe', 'inherit'] },
    });
  };
  try {
    const first = run(`const peer = scope.start('cat', 'cat', []);
      console.log(JSON.stringify([scope.folder, peer.pid])); setInterval(() => {}, 1000);`);
    const said = await new Promise<string>((resolve) => first.stdout!.once('data', (data) => resolve(String(data))));
    const [folder, peer] = JSON.parse(said) as [string, number];
    first.kill('SIGKILL');
    const stat = `/proc/${peer}/stat`;
    while (existsSync(stat) && !/\) Z/.test(readFileSync(stat, 'utf8'))) await sleep(5);
    assert.equal(existsSync(folder), true);
    const second = run("await scope.close('nothing');");
    await new Promise((resolve) => second.on('close', resolve));
    assert.equal(existsSync(folder), false);
  } finally {
    rmSync(env.TMPDIR, { recursive: true });
  }
});
