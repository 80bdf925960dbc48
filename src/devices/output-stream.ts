/**
 * What a guest says, over a Node stream whose reader may be slow, stopped or gone. All writers of a stream share one of
 * these: their bytes keep the order of the calls. The stream's own thread.
 *
 * No more waits in memory than the stream's own mark and what `print` was given. A stream that fails is told of once;
 * from then on it takes everything and forgets it, so that the guest goes on.
 */
import type { Writable } from 'node:stream';

/** Bytes for which there was no room, and what waits for their being written. */
interface Piece {
  readonly bytes: Uint8Array;
  resolve(): void;
}

export class OutputStream {
  /** Called when there is room after `write` found none, and when the stream is lost. */
  onRoom: (() => void) | null = null;
  private readonly stream: Writable;
  private readonly warn: (line: string) => void;
  private waiting: Piece[] = [];
  private full = false;
  private lost = false;
  private closed = false;

  /** The stream stays its owner's: it is neither ended nor destroyed here. `warn` takes one line if it fails. */
  constructor(stream: Writable, warn: (line: string) => void) {
    this.stream = stream;
    this.warn = warn;
    stream.on('drain', this.drained);
    stream.on('error', this.broke);
    stream.on('close', this.gone);
  }

  /** Takes the first `length` of `bytes`, which stay the caller's. False: it took none, there is no room now. */
  write(bytes: Uint8Array, length: number): boolean {
    if (!this.lost && (this.full || this.waiting.length > 0)) return false;
    // A stream keeps what it is given until it is written: a copy of ours.
    this.put(bytes.slice(0, length));
    return true;
  }

  /**
   * Takes `bytes`, which are the stream's from now on. Resolves once they have left our memory for the stream's: until
   * then they count against the caller, which bounds how many it has under way.
   */
  async print(bytes: Uint8Array): Promise<void> {
    if (this.lost) return;
    if (!this.full && this.waiting.length === 0) this.put(bytes);
    else
      await new Promise<void>((resolve) => {
        this.waiting.push({ bytes, resolve });
      });
  }

  /** Twice is once. What `print` still holds goes to the stream, however full it is. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.onRoom = null;
    for (const piece of this.waiting) this.put(piece.bytes);
    this.release();
    this.stream.off('drain', this.drained);
    this.stream.off('close', this.gone);
    // What we wrote may still fail, which is no other listener's to hear.
    if (!this.lost && this.stream.writableLength === 0) this.stream.off('error', this.broke);
  }

  private put(bytes: Uint8Array): void {
    if (this.lost) return;
    if (this.stream.writable) this.full = !this.stream.write(bytes);
    else this.gone();
  }

  private readonly drained = (): void => {
    this.full = false;
    while (!this.full && this.waiting.length > 0) {
      const { bytes, resolve } = this.waiting.shift()!;
      this.put(bytes);
      resolve();
    }
    if (!this.full) this.onRoom?.();
  };

  private readonly gone = (): void => this.broke(new Error('the stream was closed'));

  private readonly broke = (error: Error): void => {
    if (this.lost) return;
    this.lost = true;
    if (!this.closed) this.warn(`Failed to write console output, ignoring it. (${error.message})`);
    this.release();
    this.onRoom?.();
  };

  private release(): void {
    for (const { resolve } of this.waiting.splice(0)) resolve();
  }
}
