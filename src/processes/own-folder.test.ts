import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { keepFolder, ownFolder } from './own-folder.ts';

const MODULE = fileURLToPath(new URL('./own-folder.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'own-folder-'));
const before = process.env.TMPDIR;
process.env.TMPDIR = folder;
after(() => {
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
  rmSync(folder, { recursive: true });
});
const skip = existsSync('/proc/self/stat') ? false : 'needs /proc';

/** Another process makes two folders, one of them kept, and is killed. Their names. */
async function killed(): Promise<string[]> {
  const code = `import { keepFolder, ownFolder } from ${JSON.stringify(MODULE)};
    const [one, kept] = [ownFolder('family-', 'a-'), ownFolder('family-', 'b-')];
    keepFolder(kept);
    console.log(JSON.stringify([one, kept]));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.on('close', resolve));
  const line = await new Promise<string>((resolve) => child.stdout.once('data', (data) => resolve(String(data))));
  child.kill('SIGKILL');
  await ended;
  return JSON.parse(line) as string[];
}

test('own folder: what a killed process left goes with the next of its family, and nothing else', {
  skip,
}, async () => {
  const mine = ownFolder('family-');
  const [one, kept] = (await killed()) as [string, string];
  assert.deepEqual([existsSync(one), existsSync(kept)], [true, true]);
  ownFolder('other-');
  assert.equal(existsSync(one), true);
  const next = ownFolder('family-');
  assert.deepEqual([mine, one, kept, next].map(existsSync), [true, false, true, true]);
  assert.equal(readdirSync(folder).includes(basename(kept)), true);
});

test('own folder: names are short', () => {
  const made = ownFolder('family-');
  keepFolder(made);
  assert.ok(basename(made).length <= 40, made);
});
