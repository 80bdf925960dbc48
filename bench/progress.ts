/** One status line for a person at a terminal, on standard error. Never drawn while a window is measured. */

export interface Progress {
  show(text: string): void;
  clear(): void;
}

/** Draws on `stream` if it is a terminal; else does nothing. */
export function makeProgress(stream: NodeJS.WriteStream): Progress {
  if (!stream.isTTY) return { show() {}, clear() {} };
  return {
    show: (text) => stream.write(`\r\x1b[K${text}`),
    clear: () => stream.write('\r\x1b[K'),
  };
}
