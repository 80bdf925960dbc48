/** What is built for which purpose, by a make and a compiler that are scripts. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ROWS, selectRows } from './rows.ts';
import { changeable, fakeTools, kernelTree } from './test-programs.ts';
import { openWorkshop, type Purpose } from './workshop.ts';

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
const path = process.env.PATH;
process.env.PATH = `${fakeTools(folder)}:${path}`;
after(() => {
  process.env.PATH = path;
  rmSync(folder, { recursive: true });
});

const pinned = 'CPU_SET(first_cpu, &set); CPU_SET(first_cpu, &set);';
const source = kernelTree(join(folder, 'tree'), changeable(`# ${pinned}`));
const tree = { folder: source, version: '6.9', builds: join(folder, 'builds'), frozen: false };

const cases: [row: string, purpose: Purpose, transfers: number, edits: string[]][] = [
  ['same:none', 'compared', 10_000_000, ['mended']],
  ['same:none', 'shipped', 10_000_000, []],
  ['same:none', 'shipped', 1000, ['transfers=1000']],
  ['same:none', 'start', 10_000_000, ['mended', 'transfers=1']],
  ['distant:none', 'compared', 1000, ['mended', 'two-cpus', 'transfers=1000']],
  ['distant:none', 'shipped', 1000, ['two-cpus', 'transfers=1000']],
  ['same:fast-vringh', 'compared', 1000, ['mended', 'transfers=1000']],
  ['ringtest:poll', 'compared', 1000, []],
];
for (const [name, purpose, transfers, edits] of cases)
  test(`workshop: ${name}, ${purpose}, ${transfers} transfers: [${edits}]`, async () => {
    const rows = selectRows(ROWS, name);
    const workshop = await openWorkshop(tree, rows, transfers, () => {}, { timeoutMs: 60_000 });
    const built = workshop.programOf(rows[0]!, purpose);
    assert.deepEqual(built.edits, edits);
    // The text of what was built, not only its names.
    const frees = readFileSync(built.path, 'utf8').includes('vringh_iov_cleanup');
    assert.equal(frees, edits.includes('mended'));
  });
