import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Timers } from './timers.ts';

const SLACK = '/proc/self/timerslack_ns';
const skip = existsSync(SLACK) ? false : 'needs /proc/self/timerslack_ns';
const slackNs = () => Number(readFileSync(SLACK, 'utf8'));

test('timers: sharp, and as they were', { skip }, () => {
  const asTheyCome = slackNs();
  const timers = new Timers();
  assert.equal(timers.adjustable, true);
  assert.equal(slackNs(), asTheyCome);
  for (let i = 0; i < 3; i++) {
    timers.sharpen();
    assert.equal(slackNs(), 1);
    timers.restore();
    assert.equal(slackNs(), asTheyCome);
  }
});

test('timers: one open file each', { skip }, () => {
  const before = readdirSync('/proc/self/fd').length;
  new Timers();
  assert.equal(readdirSync('/proc/self/fd').length, before + 1);
});

test('timers: where the kernel has no such file nothing changes, and nothing fails', { skip: !skip }, () => {
  const timers = new Timers();
  assert.equal(timers.adjustable, false);
  timers.sharpen();
  timers.restore();
});
