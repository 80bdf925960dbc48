/** What the queues of a served device did, as columns for people. */
import type { QueueStats } from '../../src/vhost-user/queues/queue-runner.ts';
import { alignedColumns } from '../command-line/columns.ts';

const COLUMNS: readonly (readonly [title: string, field: keyof QueueStats])[] = [
  ['requests', 'requests'],
  ['unreadable', 'brokenRequests'],
  ['failed', 'failures'],
  ['bytes', 'bytes'],
  ['kicks', 'kicks'],
  ['calls', 'calls'],
  ['starts', 'starts'],
];

/** A line of the time and the titles, then one a queue. */
export function statsLines(name: string, queues: readonly QueueStats[], time: Date): string[] {
  const rows = queues.map((stats, index) => [
    `${name} queue ${index}`,
    ...COLUMNS.map(([, field]) => stats[field].toLocaleString('en-US')),
  ]);
  return alignedColumns(
    [[`${time.toISOString().slice(0, 19)}Z`, ...COLUMNS.map(([title]) => title)], ...rows],
    ['left', ...COLUMNS.map(() => 'right' as const)],
  );
}
