/** What `launch --stats` says at the end: a line a queue. */
import type { QueueStats } from '../../src/launcher/device-service.ts';

const count = (value: number): string => value.toLocaleString('en-US');
const us = (value: number): string => (value < 100 ? value.toFixed(1) : count(Math.round(value)));

export function launchStats(stats: readonly QueueStats[]): string[] {
  return stats.map(({ name, requests, bytes, failures, kicks, interrupts, latency }) => {
    const parts = [`${count(requests)} requests`, `${count(bytes)} bytes`];
    if (failures > 0) parts.push(`${count(failures)} failed`);
    parts.push(`${count(kicks)} notifications in, ${count(interrupts)} out`);
    if (latency !== null)
      parts.push(
        `latency ${us(latency.meanUs)} µs, median ${us(latency.medianUs)}, p99 ${us(latency.p99Us)}, max ${us(latency.maxUs)}`,
      );
    return `${name}: ${parts.join('; ')}`;
  });
}
