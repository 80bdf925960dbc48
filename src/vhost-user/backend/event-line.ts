/** What a server tells, as a line for people. Pure. */
import type { ServerEvent } from './server.ts';

export function eventLine(event: ServerEvent): string {
  switch (event.kind) {
    case 'connected':
      return 'connected';
    case 'waiting':
      return 'another frontend waits: one is served at a time';
    case 'disconnected':
      return event.error === null ? 'disconnected' : `disconnected: ${event.error.message}`;
    case 'queue-broken':
      return `queue ${event.index} is broken: ${event.error.message}`;
    case 'untracked':
      return `queue ${event.index} has ${event.size} descriptors, its in-flight area ${event.room}: served untracked`;
    case 'refused':
      return `refused ${event.request}: ${event.error.message}`;
    case 'failed':
      return `failed: ${event.what}: ${event.error.message}`;
  }
}
