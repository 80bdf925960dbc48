/** What a console device's bytes come from and go to, and that over Node's streams. On the device's own thread. */
import type { Readable, Writable } from 'node:stream';
import { OutputStream } from './output-stream.ts';
import { standardError } from './standard-output.ts';

/** A port keeps what it took: it says no before it would lose a byte. */
export interface ConsolePort {
  /** Moves up to `length` of the bytes that wait to the start of `into`. Returns how many; 0: none wait. */
  read(into: Uint8Array, length: number): number;
  /** Takes the first `length` of `bytes`, which stay the caller's. False: it took none, there is no room now. */
  write(bytes: Uint8Array, length: number): boolean;
  /** Called when bytes are there after `read` found none, and while some wait after `resume`. */
  onReadable: (() => void) | null;
  /** Called when there is room after `write` found none. */
  onWritable: (() => void) | null;
  /** Nobody will ask for bytes: `onReadable` is not called, bytes wait where they are. */
  pause(): void;
  resume(): void;
  close(): void;
}

/** Streams as a port. Neither is ended or destroyed with it: they were somebody's before. */
export class StreamPort implements ConsolePort {
  onReadable: (() => void) | null = null;
  onWritable: (() => void) | null = null;
  private readonly input: Readable | null;
  private readonly output: OutputStream | null;
  private readonly warn: (line: string) => void;
  /** What the input has brought, and how much of it was read. The input is paused until that is all. */
  private chunk: Uint8Array | null = null;
  private used = 0;
  private paused = false;
  private readonly brought = (chunk: Uint8Array | string) => {
    this.chunk = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk;
    this.used = 0;
    this.input?.pause();
    if (!this.paused) this.onReadable?.();
  };
  /** What has come is still the guest's, and nothing more comes. */
  private readonly failed = ({ message }: Error) =>
    this.warn(`Failed to get console input, ignoring console. (${message})`);

  /**
   * Null: nothing comes, or what goes there is forgotten. `warn` takes one line if a stream fails: the guest goes on
   * without it. Default: the error output.
   */
  constructor(
    input: Readable | null,
    output: Writable | null,
    warn: (line: string) => void = (line) => standardError().write(`${line}\n`),
  ) {
    this.warn = warn;
    this.input = input;
    this.output = output && new OutputStream(output, warn);
    if (this.output !== null) this.output.onRoom = () => this.onWritable?.();
    input?.on('data', this.brought);
    input?.on('error', this.failed);
  }

  read(into: Uint8Array, length: number): number {
    if (this.chunk === null) return 0;
    const count = Math.min(length, this.chunk.length - this.used);
    into.set(this.chunk.subarray(this.used, this.used + count));
    this.used += count;
    if (this.used === this.chunk.length) {
      this.chunk = null;
      this.input?.resume();
    }
    return count;
  }

  write(bytes: Uint8Array, length: number): boolean {
    return this.output === null || this.output.write(bytes, length);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    if (this.chunk !== null) this.onReadable?.();
  }

  close(): void {
    this.input?.off('data', this.brought);
    this.input?.off('error', this.failed);
    this.input?.pause();
    this.output?.close();
  }
}

/** A port whose output comes back as its input; of what it holds, `capacityBytes` at most. */
export class EchoPort implements ConsolePort {
  onReadable: (() => void) | null = null;
  onWritable: (() => void) | null = null;
  private readonly bytes: Uint8Array;
  private start = 0;
  private count = 0;
  private paused = false;
  private refused = false;

  constructor(capacityBytes = 65536) {
    this.bytes = new Uint8Array(capacityBytes);
  }

  read(into: Uint8Array, length: number): number {
    const count = Math.min(length, this.count);
    for (let i = 0; i < count; i++) into[i] = this.bytes[(this.start + i) % this.bytes.length]!;
    this.start = (this.start + count) % this.bytes.length;
    this.count -= count;
    if (count > 0 && this.refused) {
      this.refused = false;
      this.onWritable?.();
    }
    return count;
  }

  write(bytes: Uint8Array, length: number): boolean {
    if (this.count + length > this.bytes.length) {
      this.refused = true;
      return false;
    }
    for (let i = 0; i < length; i++) this.bytes[(this.start + this.count + i) % this.bytes.length] = bytes[i]!;
    this.count += length;
    if (!this.paused) this.onReadable?.();
    return true;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    if (this.count > 0) this.onReadable?.();
  }

  close(): void {}
}
