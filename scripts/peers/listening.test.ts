import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listeningIn } from './listening.ts';

const TABLE = `Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000003 00000000 00000000 0001 03   488
0000000000000000: 00000002 00000000 00010000 0001 01   489 /tmp/a/listens.sock
0000000000000000: 00000002 00000000 00000000 0001 01   490 /tmp/a/bound.sock
0000000000000000: 00000002 00000000 00010000 0001 01   491 /tmp/a b/spaces.sock
`;
const paths = [
  ['/tmp/a/listens.sock', true],
  ['/tmp/a/bound.sock', false],
  ['/tmp/a b/spaces.sock', true],
  ['/tmp/a/listens', false],
  ['', false],
] as const;
for (const [path, expected] of paths)
  test(`${path || 'an empty path'} ${expected ? 'is' : 'is not'} listened at`, () =>
    assert.equal(listeningIn(TABLE, path), expected));
