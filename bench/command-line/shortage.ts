/** What the system refuses or has too little of, as a line: people can mend it, and no stack helps them. Pure. */

const LINES: readonly [pattern: RegExp, line: (message: string) => string][] = [
  [/\bEMFILE\b/, (message) => `too few descriptors are allowed here (ulimit -n): ${message}`],
  [/\bENFILE\b/, (message) => `the system has no descriptor left: ${message}`],
  [/^too little memory /, (message) => message],
  [/^Invalid string length/, () => 'more records than fit one text: choose fewer'],
  [
    /could not allocate memory|Array buffer allocation failed|\bENOMEM\b|ERR_WORKER_(?:OUT_OF_MEMORY|INIT_FAILED)/,
    (message) => `too little memory (ulimit -v): ${message}`,
  ],
];

/** Null: the error is another. */
export function shortageLine(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  const message = error.message.split('\n')[0]!;
  const line = LINES.find(([pattern]) => pattern.test(`${message} ${code}`))?.[1](message);
  // A call of the system names itself and its path.
  return line ?? (syscall === undefined ? null : message);
}
