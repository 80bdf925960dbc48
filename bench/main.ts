#!/usr/bin/env node
/** The program's entry: owns the process's streams, signals and exit code. */
import { main } from './cli.ts';
import type { Console } from './run.ts';

const EXIT_BUG = 1;

/** The process itself: Ctrl-C stops the run, which then reports what it has; a second one ends the process at once. */
async function runProcess(): Promise<void> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  process.once('SIGTERM', () => interrupted.abort());
  // A reader that goes away (head, a pager) ends the output, not the run.
  process.stdout.on('error', () => {});
  const console: Console = {
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
  };
  try {
    process.exitCode = await main(process.argv.slice(2), console, { signal: interrupted.signal });
  } catch (error) {
    console.err(`vringbench: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exitCode = EXIT_BUG;
  }
}

await runProcess();
