/** The README's examples are run as they stand there. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { whyUnavailable } from './native/libc.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const EXAMPLES = [...readFileSync(`${ROOT}README.md`, 'utf8').matchAll(/```js\n(.*?)```/gs)].map((match) => match[1]!);

/** What an example prints stands in its last line. */
const promisedBy = (example: string) => /^\/\/ (.*)$/.exec(example.trimEnd().split('\n').at(-1)!)?.[1];

test('the README has its examples', () => assert.equal(EXAMPLES.length, 2));

for (const [i, example] of EXAMPLES.entries()) {
  const skip = example.includes('VhostUserServer') && (whyUnavailable() ?? false);
  test(`README example ${i + 1} prints what it says`, { skip }, () => {
    const options = { cwd: ROOT, encoding: 'utf8', timeout: 30_000 } as const;
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', example], options);
    assert.equal(printed.trim(), promisedBy(example));
  });
}
