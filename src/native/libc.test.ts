import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { lazyCalls, NativeUnavailable, openLibc, type Platform, whyUnavailable } from './libc.ts';

const skip = whyUnavailable() ?? false;

function installed(name: string): boolean {
  try {
    return createRequire(import.meta.url).resolve(name) !== '';
  } catch {
    return false;
  }
}

test('native libc: available where koffi is installed, so that no test is skipped for nothing', () => {
  const able = process.platform === 'linux' && process.arch.endsWith('64') && installed('koffi');
  assert.equal(whyUnavailable() === null, able);
});

const here: Platform = { platform: 'linux', arch: 'x64', load: () => assert.fail('loaded') };
const failing = (message: string, code?: string) => () => {
  throw Object.assign(new Error(message), { code });
};
const lacking: [what: string, where: Partial<Platform>, need: string][] = [
  ['another system', { platform: 'darwin' }, 'needs 64-bit Linux'],
  ['a 32-bit machine', { arch: 'arm' }, 'needs 64-bit Linux'],
  [
    'no koffi',
    { load: failing("Cannot find module 'koffi'\nRequire stack:\n- libc.js", 'MODULE_NOT_FOUND') },
    'needs the optional package koffi (npm install koffi)',
  ],
  [
    'a koffi without its native part',
    { load: failing('Cannot find the native Koffi module\nand so on') },
    'needs the optional package koffi, which does not load here: Cannot find the native Koffi module',
  ],
];
for (const [what, where, need] of lacking)
  test(`native libc: ${what} is told in one line`, () => {
    assert.throws(
      () => openLibc({ ...here, ...where }),
      (error: unknown) =>
        error instanceof NativeUnavailable && error.need === need && error.message === `calling libc ${need}`,
    );
  });

test('native libc: the whole library is imported without loading koffi', () => {
  const index = new URL('../index.js', import.meta.url).href;
  const program = `
    import { createRequire } from 'node:module';
    await import(${JSON.stringify(index)});
    console.log(Object.keys(createRequire(import.meta.url).cache).filter((file) => file.includes('koffi')).length);
  `;
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  assert.equal(printed, '0\n');
});

test('native libc: functions are bound by their prototypes, at first use and once', { skip }, () => {
  const calls = lazyCalls<{ getpid(): number; abs(value: number): number }>({
    getpid: 'int getpid()',
    abs: 'int abs(int value)',
  });
  assert.equal(calls().getpid(), process.pid);
  assert.equal(calls().abs(-7), 7);
  assert.equal(calls(), calls());
});

test('native libc: a prototype that libc has not is an error where it is first used', { skip }, () => {
  const calls = lazyCalls<{ no_such_call(): number }>({ no_such_call: 'int no_such_call()' });
  assert.throws(() => calls(), /no_such_call/);
});
