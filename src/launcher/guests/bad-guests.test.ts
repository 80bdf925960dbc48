/** Guests that misbehave: each ends with the reason, and what it had is left clean. Real launches. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { imageFile } from '../../devices/test-image.ts';
import { whyUnavailable } from '../../native/libc.ts';
import { BAD_GUESTS } from './test-bad-guests.ts';
import { launchGuest } from './test-launch.ts';

const DISK_BYTES = 65536;
const folder = mkdtempSync(join(tmpdir(), 'bad-guests-'));
const path = imageFile(folder, DISK_BYTES);
after(() => rmSync(folder, { recursive: true }));

const launchBad = (name: string) =>
  launchGuest('test-bad-guests', [name], {
    memoryMb: 64,
    devices: [
      { kind: 'block', path, readOnly: false },
      { kind: 'net', link: { kind: 'loopback' }, mac: Uint8Array.of(2, 0, 0, 0, 0, 1) },
    ],
  });

const skip = whyUnavailable() ?? false;

for (const { name, reason } of BAD_GUESTS)
  test(`bad guest: ${name}`, { skip }, async () => {
    const { guest, warnings } = await launchBad(name);
    assert.equal(guest.how, 'died', JSON.stringify(guest));
    assert.match(guest.how === 'died' ? guest.reason : '', reason);
    assert.deepEqual(warnings, []);
    assert.equal(statSync(path).size, DISK_BYTES);
  });

test('bad guest: one that goes on in a loop ends too', { skip }, async () => {
  const { guest } = await launchBad('index-jump loop');
  assert.match(guest.how === 'died' ? guest.reason : guest.how, /Guest moved used index from 0 to 129/);
});

test('bad guest: another on the same machine goes on', { skip }, async () => {
  const devices = [{ kind: 'block', path: imageFile(folder, DISK_BYTES), readOnly: false }] as const;
  const other = launchGuest('disk-check', ['--passes', '500'], { devices });
  const [good, bad] = await Promise.all([other, launchBad('head-at-size loop')]);
  assert.deepEqual([good.guest.how, bad.guest.how], ['halted', 'died']);
  assert.match(good.output, /disk-check passed\n$/);
});
