import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VIRTIO_RING_F_EVENT_IDX, VIRTIO_RING_F_INDIRECT_DESC } from '../../src/ring/constants.ts';
import { featureWord } from '../../src/ring/feature-word.ts';
import { driveRecordOf } from '../records/test-record.ts';
import { configurationRow, repetitionLines, summaryLines } from './report.ts';

const [repetition] = driveRecordOf().repetitions;
const of = (iops: number) => ({ ...repetition!, iops });

test('drive report: repetitions are numbered where there are several', () => {
  assert.equal(repetitionLines(repetition!, 2, 3)[0], 'repetition 2 of 3');
  assert.match(repetitionLines(repetition!, 1, 1)[0]!, /^ {2}write /);
});

const rows: [what: string, wanted: boolean, bits: number[], end: string][] = [
  ['what was negotiated', true, [VIRTIO_RING_F_INDIRECT_DESC, VIRTIO_RING_F_EVENT_IDX], 'indirect on, eventidx on'],
  ['what the backend has not', true, [VIRTIO_RING_F_EVENT_IDX], 'indirect off (not offered), eventidx on'],
  ['what was not wanted', false, [], 'indirect off, eventidx off'],
];
for (const [what, wanted, bits, end] of rows)
  test(`drive report: the configuration tells ${what}`, () => {
    const config = { ...driveRecordOf().config, ringSize: 512, indirect: wanted, eventidx: wanted };
    assert.equal(
      configurationRow(config, featureWord(...bits)),
      `  configuration        engine js, ordering seqcst, doorbell eventfd, ring-size 512, layout split, host over vhost-user, ${end}`,
    );
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
