import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { whyUnavailable } from './libc.ts';
import { setTimerSlack } from './timers.ts';

const SLACK = '/proc/self/timerslack_ns';
const skip = whyUnavailable() ?? (existsSync(SLACK) ? false : `needs ${SLACK}`);
const slackNs = () => Number(readFileSync(SLACK, 'utf8'));

test('native timers: sharp, and as they were', { skip }, () => {
  const asTheyCome = slackNs();
  for (const sharp of [1, 1000]) {
    setTimerSlack(sharp);
    assert.equal(slackNs(), sharp);
    setTimerSlack(0);
    assert.equal(slackNs(), asTheyCome);
  }
});
