/** One status line for a person at a terminal, on standard error. Never drawn while a window is measured. */

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
