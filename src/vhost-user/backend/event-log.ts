/**
 * What a server tells, as lines for people, and not more of them than people read: a frontend that comes and goes
 * without end fills no log.
 *
 *     up to LINES_MAX in a window    each is a line
 *     more                           the rest is counted by kind, and told by one line at the window's end
 *     the windows after that         counted likewise, until one has no more than LINES_MAX
 */
import { eventLine } from './event-line.ts';
import type { ServerEvent } from './server.ts';

export const LINES_MAX = 20;
const WINDOW_S = 60;

export interface EventLogOptions {
  /** Of the device; begins each line. */
  readonly name: string;
  readonly write: (line: string) => void;
  /** Calls again and again; returns what ends that. Default: the clock's. */
  readonly every?: (act: () => void, seconds: number) => () => void;
}

function everyOfClock(act: () => void, seconds: number): () => void {
  const timer = setInterval(act, 1000 * seconds).unref();
  return () => clearInterval(timer);
}

export class EventLog {
  private readonly options: EventLogOptions;
  private endWindows: (() => void) | null = null;
  /** Lines are no longer written. */
  private counting = false;
  /** In the window so far: all events, and by kind those without a line of their own. */
  private seen = 0;
  private readonly counted = new Map<ServerEvent['kind'], number>();
  private last = '';

  constructor(options: EventLogOptions) {
    this.options = options;
  }

  tell(event: ServerEvent): void {
    this.endWindows ??= (this.options.every ?? everyOfClock)(this.onWindowEnd, WINDOW_S);
    this.seen++;
    if (!this.counting && this.seen > LINES_MAX) {
      this.counting = true;
      this.write(`more than ${LINES_MAX} lines in ${WINDOW_S} s: the rest is counted`);
    }
    if (this.counting) {
      this.counted.set(event.kind, (this.counted.get(event.kind) ?? 0) + 1);
      this.last = eventLine(event);
    } else this.write(eventLine(event));
  }

  /** What was counted and not told yet is told. */
  close(): void {
    this.endWindows?.();
    this.endWindows = null;
    this.tellCounted();
  }

  private readonly onWindowEnd = (): void => {
    this.tellCounted();
    this.counting = this.seen > LINES_MAX;
    if (this.seen === 0) {
      this.endWindows?.();
      this.endWindows = null;
    }
    this.seen = 0;
  };

  private tellCounted(): void {
    if (this.counted.size === 0) return;
    const counts = [...this.counted].map(([kind, count]) => `${count.toLocaleString('en-US')} × ${kind}`);
    this.write(`counted: ${counts.join(', ')}; the last: ${this.last}`);
    this.counted.clear();
  }

  private write(line: string): void {
    this.options.write(`${this.options.name}: ${line}`);
  }
}
