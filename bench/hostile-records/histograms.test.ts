/** Each histogram of each kind of record × what is none, through every command: in bounded memory and time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import type { z } from 'zod';
import { encodedHistogram } from '../latency/histogram.ts';
import { recordSchema } from '../records/record.ts';
import { OTHER_KINDS } from '../records/schema.ts';
import { fieldsOf, nameOf, pathsOf, withField } from './test-fields.ts';
import { clean, fileOf } from './test-files.ts';
import { sampleDrive, sampleRun } from './test-samples.ts';
import { checkVerdicts, leave, leaveEveryWay } from './test-ways.ts';

const whole = encodedHistogram(Float64Array.of(1000, 2000, 3000));
const histogramsOf = (schema: z.ZodType, sample: unknown) => pathsOf(fieldsOf(schema, sample), 'histogram');

const RUN = histogramsOf(recordSchema, sampleRun());
const DRIVE = histogramsOf(OTHER_KINDS.drive.schema, sampleDrive());

/** A compressed histogram of these bytes after its mark. */
function compressed(bytes: Uint8Array): string {
  const deflated = deflateSync(bytes);
  const head = Buffer.from(whole, 'base64').subarray(0, 8);
  head.writeUInt32BE(deflated.length, 4);
  return Buffer.concat([head, deflated]).toString('base64');
}

const BOMB_BYTES = 400 * 2 ** 20;

const NONE: Readonly<Record<string, () => unknown>> = {
  'a text of nothing': () => '',
  'bytes of nothing': () => 'AAAA',
  'no base64': () => '!!!!',
  'the mark alone': () => whole.slice(0, 8),
  'half of one': () => whole.slice(0, (whole.length >> 3) << 2),
  'one that something follows': () => `${whole}AAAA`,
  'nothing that was compressed': () => compressed(new Uint8Array(0)),
  'bytes that are no histogram': () => compressed(new Uint8Array(64).fill(0xff)),
  'a bomb': () => compressed(new Uint8Array(BOMB_BYTES)),
  'a sample of nothing': () => encodedHistogram(new Float64Array(0)),
  'a number': () => 5,
  'a list': () => [whole],
};

test('hostile histograms: all of a record are tried', () => {
  assert.deepEqual(
    RUN.map((path) => path.at(-1)),
    ['kickToWake', 'callToWake', 'roundTrip'],
  );
  assert.deepEqual(DRIVE.map(nameOf), [
    'repetitions.0.reads.latency.histogram',
    'repetitions.0.writes.latency.histogram',
  ]);
});

/** Above what this process has taken before: a fraction of what the bomb becomes. */
const RSS_MAX = BOMB_BYTES / 2;

for (const [what, make] of Object.entries(NONE))
  test(`hostile histograms: ${what} costs its line alone, everywhere`, async () => {
    const value = make();
    const lines = [...RUN.map((path) => withField(sampleRun(), path, value)), sampleRun()];
    const file = fileOf(
      'run',
      lines.map((line) => JSON.stringify(line)),
    );
    const others = [...DRIVE.map((path) => withField(sampleDrive(), path, value)), sampleDrive()];
    const drives = fileOf(
      'drive',
      others.map((line) => JSON.stringify(line)),
    );
    const { rss } = process.memoryUsage();
    const left = await leaveEveryWay({ file, clean });
    checkVerdicts(left, file, 1, RUN.length);
    const doctor = await leave('results doctor', { file: drives, clean });
    assert.equal(doctor.out[0], `1 record, ${DRIVE.length} problems`);
    assert.ok(process.memoryUsage().rss - rss < RSS_MAX);
  });
