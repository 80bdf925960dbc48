import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from './failure.ts';
import { ownBytesIn } from './status.ts';

const STATUS =
  'Name:\tnode\nVmRSS:\t   52000 kB\nRssAnon:\t    1234 kB\nRssFile:\t   40000 kB\nRssShmem:\t       0 kB\n';
test('own memory of a process', () => assert.equal(ownBytesIn(STATUS), 1234 * 1024));
test('a status without it', () => assert.throws(() => ownBytesIn('Name:\tkthreadd\n'), Failure));
