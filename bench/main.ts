#!/usr/bin/env node
/** The program's entry: owns the process's streams, signals and exit code. */
import { standardError, standardOutput } from '../src/devices/standard-output.ts';
import type { Console } from './command-line/command.ts';
import { boundedLines } from './command-line/lines.ts';
import { printableLine } from './command-line/printable.ts';
import { shortageLine } from './command-line/shortage.ts';

const EXIT_FAILED = 1;

/** For a process that was told to end: how long its output may wait for a reader, milliseconds. */
const LAST_WRITES_MS = 2000;

/** The process itself: Ctrl-C stops a measured run, which then reports what it has; a second one ends the process at once. */
async function runProcess(): Promise<void> {
  const [standardOut, standardErr] = [standardOutput(), standardError()];
  let leaves = false;
  let ended = false;
  /** Without a signal a reader may take its time, as with any program; with one, what is not read by then is lost. */
  const boundLastWrites = () => {
    if (leaves && ended) setTimeout(() => process.exit(), LAST_WRITES_MS).unref();
  };
  const leave = () => {
    leaves = true;
    boundLastWrites();
  };
  const signal = () => {
    const interrupted = new AbortController();
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(name, () => {
        interrupted.abort();
        leave();
      });
    return interrupted.signal;
  };
  let told = false;
  // A reader that goes away (head, a pager) ends the output, not the run.
  const broke = (error: NodeJS.ErrnoException, stream: NodeJS.EventEmitter) => {
    if (error.code === 'EPIPE') return;
    process.exitCode = EXIT_FAILED;
    // Once, and not beside a command that tells of it itself.
    if (told || stream !== standardOut || stream.listenerCount('error') > 1) return;
    told = true;
    output.err(`vringbench: standard output: ${error.message}`);
  };
  for (const stream of new Set([standardOut, standardErr, process.stdout, process.stderr]))
    stream.on('error', (error: NodeJS.ErrnoException) => broke(error, stream));
  const output: Console = {
    out: (line) => standardOut.write(`${line}\n`),
    err: boundedLines(standardErr),
  };
  try {
    // Reading the program's modules may already be too much.
    const { main } = await import('./cli.ts');
    const code = await main(process.argv.slice(2), output, { signal, leave });
    process.exitCode ??= code;
  } catch (error) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    for (const line of `vringbench: ${shortageLine(error) ?? stack}`.split('\n')) output.err(printableLine(line));
    process.exitCode = EXIT_FAILED;
  }
  ended = true;
  boundLastWrites();
}

await runProcess();
