/** The README's examples are run as they stand there: files in one folder of this package. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { whyUnavailable } from './native/libc.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const BLOCKS = [...readFileSync(`${ROOT}README.md`, 'utf8').matchAll(/```js\n(.*?)```/gs)].map((match) => match[1]!);

/** A block that begins with a file's name is a module of the others. */
const nameOf = (block: string) => /^\/\/ (\S+\.js)\n/.exec(block)?.[1];
const EXAMPLES = BLOCKS.filter((block) => nameOf(block) === undefined);

/** What an example prints stands in its last line. */
const promisedBy = (example: string) => /^\/\/ (.*)$/.exec(example.trimEnd().split('\n').at(-1)!)?.[1];

const folder = mkdtempSync(join(ROOT, 'dist', 'readme-'));
after(() => rmSync(folder, { recursive: true }));
for (const block of BLOCKS) {
  const name = nameOf(block);
  if (name !== undefined) writeFileSync(join(folder, name), block);
}

test('the README has its examples', () => assert.equal(EXAMPLES.length, 4));

for (const [i, example] of EXAMPLES.entries()) {
  const skip = /VhostUserServer|WorkerDevice/.test(example) && (whyUnavailable() ?? false);
  test(`README example ${i + 1} prints what it says`, { skip }, () => {
    const file = join(folder, `example-${i + 1}.js`);
    writeFileSync(file, example);
    const printed = execFileSync(process.execPath, [file], { encoding: 'utf8', timeout: 60_000 });
    assert.equal(printed.trim(), promisedBy(example));
  });
}

/** A guest: its first line is the command that launches it, its last one what it prints. */
const GUESTS = [...readFileSync(`${ROOT}README.md`, 'utf8').matchAll(/```mjs\n\/\/ vringbench ([^\n]*)\n(.*?)```/gs)];

test('the README has its guests', () => assert.equal(GUESTS.length, 2));

for (const [, command, guest] of GUESTS)
  test(`README: vringbench ${command} prints what it says`, () => {
    const args = command!.split(' ');
    writeFileSync(join(folder, args.at(-1)!), guest!);
    writeFileSync(join(folder, 'disk.img'), new Uint8Array(65536));
    writeFileSync(join(folder, 'words.txt'), 'hello');
    const program = join(ROOT, 'dist', 'bench', 'main.js');
    const options = { cwd: folder, encoding: 'utf8', timeout: 60_000 } as const;
    assert.equal(execFileSync(process.execPath, [program, ...args], options).trim(), promisedBy(guest!));
  });
