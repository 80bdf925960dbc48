import assert from 'node:assert/strict';
import { test } from 'node:test';
import { driveRecordOf } from '../records/test-record.ts';
import { repetitionLines, summaryLines } from './report.ts';

const [repetition] = driveRecordOf().repetitions;
const of = (iops: number) => ({ ...repetition!, iops });

test('drive report: repetitions are numbered where there are several', () => {
  assert.equal(repetitionLines(repetition!, 2, 3)[0], 'repetition 2 of 3');
  assert.match(repetitionLines(repetition!, 1, 1)[0]!, /^ {2}write /);
});

test('drive report: the median of several repetitions, and how far they lie apart', () => {
  assert.deepEqual(summaryLines([of(1)]), []);
  assert.deepEqual(summaryLines([of(3000), of(1000), of(2000.4)]), [
    '3 repetitions',
    '  IOPS, median         2,000 (1,000 – 3,000)',
  ]);
});

test('drive report: one request is one', () => {
  const writes = { ...repetition!.writes!, requests: 1 };
  assert.match(repetitionLines({ ...repetition!, writes }, 1, 1)[0]!, /\(1 request in 0\.00 s\)$/);
  assert.match(repetitionLines(repetition!, 1, 1)[0]!, /\(2 requests in /);
});
