/** What `launch --stats` says at the end: a line a queue. */
import type { QueueStats } from '../../src/launcher/device-service.ts';
import { grouped } from '../command-line/columns.ts';

const us = (value: number): string => (value < 100 ? value.toFixed(1) : grouped(Math.round(value)));

export function launchStats(stats: readonly QueueStats[]): string[] {
  return stats.map(({ name, requests, bytes, failures, kicks, interrupts, latency }) => {
    const parts = [`${grouped(requests)} requests`, `${grouped(bytes)} bytes`];
    if (failures > 0) parts.push(`${grouped(failures)} failed`);
    parts.push(`${grouped(kicks)} notifications in, ${grouped(interrupts)} out`);
    if (latency !== null)
      parts.push(
        `latency ${us(latency.meanUs)} µs, median ${us(latency.medianUs)}, p99 ${us(latency.p99Us)}, max ${us(latency.maxUs)}`,
      );
    return `${name}: ${parts.join('; ')}`;
  });
}
