import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../peers/failure.ts';
import { parseVringhOutput } from './vringh-output.ts';

const USING = 'Using CPUS 3 and 7\n';
const GUEST = 'Guest: notified 10, pinged 20\n';
const HOST = 'Host: notified 30, pinged 40\n';
const PARSED = { firstCpu: 3, guest: { notified: 10, pinged: 20 }, host: { notified: 30, pinged: 40 } };

for (const text of [USING + GUEST + HOST, HOST + USING + GUEST, `${USING}a warning\n${GUEST}${HOST}`])
  test(`output of vringh_test: ${JSON.stringify(text)}`, () => assert.deepEqual(parseVringhOutput(text), PARSED));

const nonsense: [text: string, missing: RegExp][] = [
  ['', /no line 'Using CPUS .*""/],
  [USING + GUEST, /no line 'Host: notified N, pinged N'.*Using CPUS 3/],
  [GUEST + HOST, /no line 'Using CPUS N and N'/],
  [`${USING}${GUEST}Host: notified -1, pinged 4\n`, /no line 'Host: /],
];
for (const [text, missing] of nonsense)
  test(`output of vringh_test: ${missing.source}`, () =>
    assert.throws(
      () => parseVringhOutput(text),
      (error) => error instanceof Failure && missing.test(error.message),
    ));
