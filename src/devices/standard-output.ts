/**
 * The process's standard output and error as streams that never block this thread. Node writes to a terminal by calls
 * that wait while it is stopped (^S, or a program behind it that does not read), and with them every timer, signal and
 * queue. Here a terminal is opened once more, for calls that do not wait: flags of what others share stay as they are.
 * Pipes and sockets do not block in Node either; files are files. Main thread.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';

/** Between two tries while the terminal has no room. */
const RETRY_MS = 10;

class TerminalStream extends Writable {
  private readonly descriptor: number;
  private timer: NodeJS.Timeout | undefined;

  constructor(descriptor: number) {
    super();
    this.descriptor = descriptor;
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    try {
      const count = writeSync(this.descriptor, bytes);
      if (count === bytes.length) done();
      else this.tryAgain(bytes.subarray(count), done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') this.tryAgain(bytes, done);
      else done(error as Error);
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.timer);
    closeSync(this.descriptor);
    done(error);
  }

  private tryAgain(bytes: Buffer, done: (error?: Error | null) => void): void {
    this.timer = setTimeout(() => this._write(bytes, '', done), RETRY_MS);
  }
}

/** `stream`, or, if it is a terminal, that terminal without waits. */
function unblocked(stream: Writable & { readonly isTTY?: boolean }, descriptor: number): Writable {
  if (stream.isTTY !== true) return stream;
  try {
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    return new TerminalStream(openSync(`/proc/self/fd/${descriptor}`, O_WRONLY | O_NONBLOCK | O_NOCTTY));
  } catch {
    // Another user's terminal, or no /proc.
    return stream;
  }
}

let output: Writable | null = null;
let errors: Writable | null = null;

/** Standard output: the same stream for all callers, for as long as the process lives. */
export function standardOutput(): Writable {
  output ??= unblocked(process.stdout, 1);
  return output;
}

/** The same for standard error. */
export function standardError(): Writable {
  errors ??= unblocked(process.stderr, 2);
  return errors;
}
