#!/usr/bin/env node
/** The program's entry: owns the process's streams, signals and exit code. */
import type { Console } from './command-line/command.ts';
import { shortageLine } from './command-line/shortage.ts';

const EXIT_FAILED = 1;

/** The process itself: Ctrl-C stops a measured run, which then reports what it has; a second one ends the process at once. */
async function runProcess(): Promise<void> {
  const signal = () => {
    const interrupted = new AbortController();
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => interrupted.abort());
    return interrupted.signal;
  };
  // A reader that goes away (head, a pager) ends the output, not the run.
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') return;
      process.exitCode = EXIT_FAILED;
      if (stream === process.stdout) process.stderr.write(`vringbench: standard output: ${error.message}\n`);
    });
  const output: Console = {
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
  };
  try {
    // Reading the program's modules may already be too much.
    const { main } = await import('./cli.ts');
    const code = await main(process.argv.slice(2), output, { signal });
    process.exitCode ??= code;
  } catch (error) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    output.err(`vringbench: ${shortageLine(error) ?? stack}`);
    process.exitCode = EXIT_FAILED;
  }
}

await runProcess();
