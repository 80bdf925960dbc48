/**
 * Where a long piece of work is: one status line for a person at a terminal, on standard error; for a log a line now and
 * then. Never drawn while a window is measured.
 */

export interface Progress {
  show(text: string): void;
  clear(): void;
}

/** Draws on `stream` if it is a terminal; else does nothing. */
export function makeProgress(stream: NodeJS.WriteStream): Progress {
  if (!stream.isTTY) return { show() {}, clear() {} };
  return {
    // Some terminals tell no width. A line that wraps could not be taken back.
    show: (text) => stream.write(`\r\x1b[K${text.slice(0, (stream.columns || COLUMNS) - 1)}`),
    clear: () => stream.write('\r\x1b[K'),
  };
}

/** What a terminal has at least. */
const COLUMNS = 80;

/** Lines for the reader of a log: in all at most so many, and none sooner after another. */
const LINES_MAX = 20;
const LINE_EVERY_MS = 30_000;

export interface Course {
  /**
   * Between two tasks.
   * @param status the whole status line of a terminal
   * @param line the same for a log, which is told at most LINES_MAX times; null: nothing to tell
   */
  show(share: number, status: string, line: string | null): void;
  clear(): void;
}

/** For `stream`, if it is a terminal; else lines, by `say`. */
export function makeCourse(
  stream: NodeJS.WriteStream,
  say: (line: string) => void,
  nowMs: () => number = () => performance.now(),
): Course {
  const { show, clear } = makeProgress(stream);
  if (stream.isTTY) return { show: (_, status) => show(status), clear };
  let saidAtMs = nowMs();
  // The first line comes whatever is over: what was expected may have been far off.
  let saidStep = -1;
  return {
    clear,
    show(share, _, line) {
      const now = nowMs();
      const step = Math.floor(share * LINES_MAX);
      if (line === null || step === saidStep || now - saidAtMs < LINE_EVERY_MS) return;
      saidAtMs = now;
      saidStep = step;
      say(line);
    },
  };
}

/** What takes less is begun without a word. */
const EXPECTED_MIN_MS = 30_000;

/** The line before a long piece of work; null: it is a short one, or nothing is known. */
export function expectedLine(ms: number | null, what: string): string | null {
  return ms === null || ms < EXPECTED_MIN_MS ? null : `expected: about ${roughly(ms)} for ${what}, an estimate`;
}

/** `, about 12 min left`, or nothing where nothing is known. */
export const timeLeft = (ms: number | null): string => (ms === null ? '' : `, about ${roughly(ms)} left`);

/** A time that is not known well: `40 s`, `12 min`, `3.5 h`. */
function roughly(ms: number): string {
  const minutes = ms / 60_000;
  if (minutes < 1.5) return `${Math.max(1, Math.round(ms / 1000))} s`;
  return minutes < 90 ? `${Math.round(minutes)} min` : `${(minutes / 60).toFixed(1)} h`;
}

const BAR_WIDTH = 24;

/** How much of the whole is over. */
export function bar(over: number, whole: number): string {
  const filled = Math.round((over / whole) * BAR_WIDTH);
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`;
}

/** Like `1:05 h` or `2:05 min` or `9 s`. */
export function durationOf(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const pair = (large: number, small: number) => `${large}:${String(small).padStart(2, '0')}`;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${pair(minutes, seconds % 60)} min` : `${pair(Math.floor(minutes / 60), minutes % 60)} h`;
}
