import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
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
