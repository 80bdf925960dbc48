import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { holdingFolder } from './folder-lock.ts';
import { whyUnavailable } from './libc.ts';
import { leavingNoneOpen } from './test-leaks.ts';

const skip = whyUnavailable() ?? false;

test('folder lock: held by one at a time, let go of whatever happens, nothing left', { skip }, () =>
  leavingNoneOpen(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vringbench-folder-'));
    try {
      assert.equal(
        holdingFolder(folder, () => 7),
        7,
      );
      // A second holder is another one in the same process, too. A lock that is never let go of refuses no one the folder.
      const start = performance.now();
      assert.equal(
        holdingFolder(folder, () => holdingFolder(folder, () => 6)),
        6,
      );
      assert.ok(performance.now() - start > 1000, 'the lock was waited for');
      assert.throws(
        () =>
          holdingFolder(folder, () => {
            throw new TypeError('from within');
          }),
        TypeError,
      );
      assert.equal(
        holdingFolder(folder, () => 8),
        8,
      );
      assert.equal(
        holdingFolder(join(folder, 'none'), () => 9),
        9,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  }),
);
