import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { systemError } from './errors.ts';

const cases: [what: string, errno: number, code: string, message: RegExp][] = [
  ['a descriptor that is none', constants.errno.EBADF, 'EBADF', /^EBADF: bad file descriptor, read$/],
  ['no more descriptors', constants.errno.EMFILE, 'EMFILE', /^EMFILE: too many open files, read$/],
  ['a number nobody knows', 4000, 'E4000', /^E4000: unknown error, read$/],
];
for (const [what, errno, code, message] of cases)
  test(`native errors: ${what}`, () => {
    const error = systemError('read', errno);
    assert.ok(error instanceof Error);
    assert.match(error.message, message);
    assert.deepEqual([error.code, error.errno, error.syscall], [code, -errno, 'read']);
  });
