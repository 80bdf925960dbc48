/** What the kernel says about a process. */
import { readFileSync } from 'node:fs';
import { Failure } from './failure.ts';

/** Pure: memory of the process's own that is in use, of the text of /proc/PID/status; without mapped guest memory. */
export function ownBytesIn(status: string): number {
  const match = /^RssAnon:\s*(\d+) kB$/m.exec(status);
  if (match === null) throw new Failure('no RssAnon in the status of the process');
  return Number(match[1]) * 1024;
}

export const ownBytes = (pid: number): number => ownBytesIn(readFileSync(`/proc/${pid}/status`, 'utf8'));
