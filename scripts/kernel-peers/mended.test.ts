/** The kernel's own program, mended and as shipped, where its sources are in the cache folder and a compiler is there. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findCommand } from '../peers/packages.ts';
import { build, programOf } from './build.ts';
import { runChild } from './child.ts';
import { MENDED, transfersEdit } from './edits.ts';
import { removeMappedFile } from './theirs.ts';
import { cachedTree } from './tree.ts';

/** What all 200,000 requests leak is 14 MB. Without a leak a few hundred KB are enough. */
const TRANSFERS = 200_000;
const DATA_KB_MAX = 8192;
const BOUND = { timeoutMs: 120_000 };

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));
after(removeMappedFile);
const tree = cachedTree();
const skip =
  (tree === null && 'no kernel sources in the cache folder: npm run peers unpacks them') ||
  ((findCommand('cc') === null || findCommand('make') === null) && 'no compiler or no make');

const LISTS = ['--eventidx', '--indirect'];
for (const [edits, flags, failure] of [
  [[], LISTS, /vringh_getdesc_user: -12/],
  [[MENDED], LISTS, null],
  [[], ['--fast-vringh', '--eventidx'], null],
] as const)
  test(`vringh_test ${flags.join(' ')}${edits.length === 0 ? '' : ', mended'}: it ${failure === null ? 'does not grow' : 'leaks'}`, {
    skip,
  }, async () => {
    const built = await build(
      { ...tree!, builds: folder },
      'vringh_test',
      [...edits, transfersEdit(TRANSFERS)],
      () => {},
      BOUND,
    );
    const limited = `ulimit -d ${DATA_KB_MAX}; exec "$@"`;
    const { code, out, err } = await runChild(
      'bash',
      ['-c', limited, 'bash', programOf(built, 'vringh_test'), ...flags, '--parallel'],
      BOUND,
    );
    if (failure === null) assert.equal(code, 0, err);
    else assert.match(err, failure);
    assert.match(out, /^Using CPUS/);
  });
