/** What a person reads of a repetition: a few lines, as fio's. Main thread. */

import { VIRTIO_RING_F_EVENT_IDX, VIRTIO_RING_F_INDIRECT_DESC } from '../../src/ring/constants.ts';
import { hasFeature } from '../../src/ring/feature-word.ts';
import { counted } from '../command-line/columns.ts';
import type { DriveConfig, DriveRepetition, DriveStream } from '../records/drive-record.ts';
import { row, spread } from '../run/report.ts';

const NS_PER_US = 1000;
const NS_PER_S = 1e9;

const integer = (value: number) => Math.round(value).toLocaleString('en-US');
const us = (ns: number | null) => (ns === null ? '–' : (ns / NS_PER_US).toFixed(1));

export function headLine({ job, blockSizeBytes, depth, queues, pollUs }: DriveConfig, capacityBytes: number): string {
  const polls = pollUs === 0 ? '' : `, polling ${pollUs} us`;
  return `${job}: ${blockSizeBytes} bytes, depth ${depth}, ${counted(queues, 'queue')}${polls}, disk of ${integer(capacityBytes)} bytes`;
}

/** What the ring is: our half of it, and what was negotiated of what was wanted. */
export function configurationRow({ ringSize, indirect, eventidx }: DriveConfig, negotiated: bigint): string {
  const feature = (name: string, wanted: boolean, bit: number) => {
    const has = hasFeature(negotiated, bit);
    return `${name} ${has ? 'on' : 'off'}${wanted && !has ? ' (not offered)' : ''}`;
  };
  return row(
    'configuration',
    [
      'engine js, ordering seqcst, doorbell eventfd',
      `ring-size ${ringSize}`,
      'layout split, host over vhost-user',
      feature('indirect', indirect, VIRTIO_RING_F_INDIRECT_DESC),
      feature('eventidx', eventidx, VIRTIO_RING_F_EVENT_IDX),
    ].join(', '),
  );
}

/** Over all repetitions, where there are several. */
export function summaryLines(repetitions: readonly DriveRepetition[]): string[] {
  if (repetitions.length < 2) return [];
  return [
    counted(repetitions.length, 'repetition'),
    row(
      'IOPS, median',
      spread(
        repetitions.map(({ iops }) => iops),
        integer,
      ),
    ),
  ];
}

/** `number` and `count`: which repetition of how many; of one nothing is said. */
export function repetitionLines(repetition: DriveRepetition, number: number, count: number): string[] {
  const { reads, writes, cpuUserNs, cpuSystemNs, wallNs, kicks, calls } = repetition;
  const streams: [string, DriveStream | null][] = [
    ['write', writes],
    ['read', reads],
  ];
  const requests = (reads?.requests ?? 0) + (writes?.requests ?? 0);
  const perRequest = (count: number) => (requests === 0 ? '–' : (count / requests).toFixed(2));
  const share = (ns: number) => (wallNs === 0 ? '–' : `${((100 * ns) / wallNs).toFixed(0)} %`);
  return [
    ...(count === 1 ? [] : [`repetition ${number} of ${count}`]),
    ...streams.flatMap(([name, stream]) => (stream === null ? [] : streamLines(name, stream))),
    row('CPU time', `user ${share(cpuUserNs)}, system ${share(cpuSystemNs)} of one CPU`),
    row('kicks, calls', `${perRequest(kicks)}, ${perRequest(calls)} a request`),
    ...troubleLines(repetition),
  ];
}

function streamLines(name: string, { requests, bytes, wallNs, iops, latency }: DriveStream): string[] {
  const seconds = wallNs / NS_PER_S;
  const speed = seconds === 0 ? 0 : bytes / seconds / 1e6;
  const lines = [
    row(
      name,
      `${integer(iops)} IOPS, ${speed.toFixed(1)} MB/s (${counted(requests, 'request')} in ${seconds.toFixed(2)} s)`,
    ),
  ];
  if (latency === null) return lines;
  const { meanNs, p50Ns, p90Ns, p99Ns, p999Ns, maxNs } = latency;
  lines.push(
    row(
      'latency, µs',
      `mean ${us(meanNs)}, p50 ${us(p50Ns)}, p90 ${us(p90Ns)}, p99 ${us(p99Ns)}, p99.9 ${us(p999Ns)}, max ${us(maxNs)}`,
    ),
  );
  return lines;
}

function troubleLines(repetition: DriveRepetition): string[] {
  const { errors, mismatches, overlongLengths, lostCalls, reconnects, resubmitted } = repetition;
  const lines = [
    row('errors', `${integer(errors)}${mismatches > 0 ? `, blocks with wrong bytes ${integer(mismatches)}` : ''}`),
  ];
  if (overlongLengths !== null && overlongLengths > 0)
    lines.push(row('used lengths too long', integer(overlongLengths)));
  if (reconnects > 0)
    lines.push(row('backend came back', `${reconnects} ×, ${counted(resubmitted, 'request')} sent again`));
  if (lostCalls > 0) lines.push(row('calls that never came', integer(lostCalls)));
  return lines;
}
