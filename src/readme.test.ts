/** The README's example is run as it stands there. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

test("the README's example prints what it says", () => {
  const example = /```js\n(.*?)```/s.exec(readFileSync(`${ROOT}README.md`, 'utf8'))?.[1];
  assert.ok(example !== undefined);
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', example], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  assert.equal(printed.trim(), /^\/\/ (.*)\n$/m.exec(example.split('\n').slice(-2).join('\n'))?.[1]);
});
