/**
 * The launcher's terminal as the guest's console: what is typed goes to the guest as it is, what the guest writes to
 * the output. Three ^C within a second, each alone, end the launcher. Without a terminal the input is whatever it is, a
 * pipe or a file. Main thread.
 *
 * A terminal is listened to even while the guest has no buffers, so that the three ^C are seen; what is typed meanwhile
 * waits here. Any other input waits where it comes from. While input waits, the guest's ring is looked at now and then:
 * a buffer is found also if its guest has not kicked.
 */
import type { Readable, Writable } from 'node:stream';
import type { ConsolePort } from '../devices/console-port.ts';
import { OutputStream } from '../devices/output-stream.ts';
import { standardError, standardOutput } from '../devices/standard-output.ts';
import { type NodeTerminal, type TerminalMode, takeTerminal } from './terminal-mode.ts';
import { LOOK_EVERY_MS } from './waker.ts';

const CTRL_C = 3;
const ABORT_COUNT = 3;
const ABORT_MS = 1000;

/** Of what was typed and not read by the guest; beyond it the terminal itself keeps it. */
const TYPED_MAX = 65536;

export interface TerminalOptions {
  /** Default: the process's. Neither is ended or destroyed with the port. */
  readonly input?: Readable & Partial<NodeTerminal> & { readonly isTTY?: boolean; unref?(): void };
  readonly output?: Writable;
  /** Default: the error output. */
  readonly warn?: (line: string) => void;
  /** Three ^C. Default: the process ends with code 2. */
  readonly abort?: () => void;
  /** Milliseconds, for tests. */
  readonly now?: () => number;
}

export class Terminal implements ConsolePort {
  onReadable: (() => void) | null = null;
  onWritable: (() => void) | null = null;
  private readonly input: NonNullable<TerminalOptions['input']>;
  private readonly output: OutputStream;
  private readonly warn: (line: string) => void;
  private readonly abort: () => void;
  private readonly now: () => number;
  private readonly mode: TerminalMode | null;
  /** What has come and was not read, oldest first; of the first, `used` bytes are read. */
  private readonly chunks: Uint8Array[] = [];
  private used = 0;
  private waitingBytes = 0;
  private paused = false;
  private looking: NodeJS.Timeout | null = null;
  /** Why no input comes any more, as long as it is not told. */
  private inputFailed: Error | null = null;
  private closed = false;
  /** When the last lone ^C came, oldest first. */
  private presses: number[] = [];

  constructor(options: TerminalOptions = {}) {
    this.input = options.input ?? process.stdin;
    this.warn = options.warn ?? ((line) => standardError().write(`${line}\n`));
    this.output = new OutputStream(options.output ?? standardOutput(), this.warn);
    this.output.onRoom = () => this.onWritable?.();
    this.abort = options.abort ?? (() => process.exit(2));
    this.now = options.now ?? (() => performance.now());
    const { fd } = this.input;
    this.mode =
      this.input.isTTY === true && fd !== undefined
        ? takeTerminal({ fd, setRawMode: (raw) => this.input.setRawMode?.(raw) })
        : null;
    // What keeps the launcher is its guest, not its input. A file has nothing to keep it with.
    this.input.unref?.();
    this.input.on('data', this.brought);
    this.input.on('end', this.ended);
    this.input.on('error', this.ended);
  }

  read(into: Uint8Array, length: number): number {
    let done = 0;
    while (done < length && this.chunks.length > 0) {
      const chunk = this.chunks[0]!;
      const part = Math.min(length - done, chunk.length - this.used);
      into.set(chunk.subarray(this.used, this.used + part), done);
      done += part;
      this.used += part;
      if (this.used === chunk.length) {
        this.chunks.shift();
        this.used = 0;
      }
    }
    this.waitingBytes -= done;
    if (this.waitingBytes === 0) this.stopLooking();
    // A guest that gives no buffer wants no input, and does not hear of it.
    if (done === 0 && this.inputFailed !== null) {
      this.warn(`Failed to get console input, ignoring console. (${this.inputFailed.message})`);
      this.inputFailed = null;
    }
    if (done > 0 && this.waitingBytes === 0 && !this.closed) this.input.resume();
    return done;
  }

  write(bytes: Uint8Array, length: number): boolean {
    return this.output.write(bytes, length);
  }

  /** What the guest says beside its console, in the order of the calls. Resolves when the next may be said. */
  print(text: Uint8Array): Promise<void> {
    return this.output.print(text);
  }

  /** `onReadable` is still called from time to time while input waits. */
  pause(): void {
    this.paused = true;
    if (this.waitingBytes > 0 && !this.closed) this.look();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.stopLooking();
    if (this.waitingBytes > 0) this.onReadable?.();
  }

  /** As it was before. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.stopLooking();
    this.mode?.restore();
    this.input.off('data', this.brought);
    this.input.off('end', this.ended);
    this.input.off('error', this.ended);
    this.input.pause();
    this.output.close();
  }

  private readonly brought = (data: Uint8Array | string): void => {
    const chunk = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    this.chunks.push(chunk);
    this.waitingBytes += chunk.length;
    if (this.mode === null || this.waitingBytes >= TYPED_MAX) this.input.pause();
    this.onReadable?.();
    this.watchAbort(chunk);
  };

  private watchAbort(chunk: Uint8Array): void {
    if (chunk.length !== 1 || chunk[0] !== CTRL_C) {
      this.presses = [];
      return;
    }
    const now = this.now();
    this.presses = [...this.presses.slice(1 - ABORT_COUNT), now];
    if (this.presses.length < ABORT_COUNT || now - this.presses[0]! > ABORT_MS) return;
    this.presses = [];
    this.mode?.restore();
    this.abort();
  }

  /** Closed, /dev/null, or something went wrong: what has come is still the guest's, and nothing more comes. */
  private readonly ended = (error?: Error): void => {
    this.mode?.restore();
    this.input.off('data', this.brought);
    if (error === undefined) return;
    this.inputFailed = error;
    // The guest may have a buffer: then it is told at once.
    this.onReadable?.();
  };

  private look(): void {
    this.looking ??= setInterval(() => this.onReadable?.(), LOOK_EVERY_MS).unref();
  }

  private stopLooking(): void {
    if (this.looking !== null) clearInterval(this.looking);
    this.looking = null;
  }
}
