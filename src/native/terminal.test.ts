/** What is no terminal; terminals themselves are taken in src/launcher/terminal.test.ts. */
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { whyUnavailable } from './libc.ts';
import { rawSettings, readTerminal, writeTerminal } from './terminal.ts';

test('terminal: what is none has no settings', { skip: whyUnavailable() ?? false }, () => {
  const descriptor = openSync('/dev/null', 'r+');
  try {
    assert.throws(() => readTerminal(descriptor), { code: 'ENOTTY', syscall: 'tcgetattr' });
    assert.throws(() => writeTerminal(descriptor, new Uint32Array(16)), { code: 'ENOTTY', syscall: 'tcsetattr' });
  } finally {
    closeSync(descriptor);
  }
});

test('terminal: raw settings differ by three local modes, and leave the ones they were made of', () => {
  const settings = new Uint32Array(16).fill(0xffff_ffff);
  const raw = rawSettings(settings);
  assert.ok(settings.every((word) => word === 0xffff_ffff));
  assert.deepEqual(
    [...raw.entries()].filter(([, word]) => word !== 0xffff_ffff),
    [[3, 0xffff_fff4]],
  );
});
