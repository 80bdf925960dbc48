/**
 * A guest in a QEMU process, its serial port joined to a console port. The launcher's thread. QEMU's own words on
 * standard error are kept for the case that it fails.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { ConsolePort } from '../../devices/console-port.ts';
import type { GuestEnding, RunningGuest } from './cpu.ts';
import { QEMU } from './qemu-arguments.ts';

const CHUNK_BYTES = 4096;
/** Kept of what it says on standard error. */
const WORDS_MAX = 4096;
/** Asked to end, it has so long; then it is ended. */
const END_MS = 2000;

export class QemuProcess implements RunningGuest {
  readonly ended: Promise<GuestEnding>;
  private readonly child: ChildProcessWithoutNullStreams;
  private ending: GuestEnding | null = null;
  private words = '';

  /** The port stays the caller's. */
  constructor(args: readonly string[], port: ConsolePort, program = QEMU) {
    const child = spawn(program, args, { stdio: 'pipe' });
    this.child = child;
    child.stderr.on('data', (data: Buffer) => {
      this.words = (this.words + data.toString()).slice(-WORDS_MAX);
    });
    joinConsole(child, port);
    this.ended = new Promise((resolve) => {
      child.on('error', (error) => {
        this.ending ??= { how: 'failed', error };
        // It never ran: no 'close' is to come.
        if (child.pid === undefined) resolve(this.ending);
      });
      child.on('close', (code, signal) => {
        this.ending ??= code === 0 ? { how: 'halted' } : { how: 'failed', error: this.failure(code ?? signal) };
        resolve(this.ending);
      });
    });
  }

  async stop(): Promise<GuestEnding> {
    this.ending ??= { how: 'stopped' };
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), END_MS);
    const ending = await this.ended;
    clearTimeout(timer);
    return ending;
  }

  private failure(how: number | string | null): Error {
    return new Error(`${QEMU} ended with ${how}: ${this.words.trim()}`);
  }
}

/** Nothing is taken from either side before the other has room for it. */
function joinConsole({ stdin, stdout }: ChildProcessWithoutNullStreams, port: ConsolePort): void {
  const chunk = new Uint8Array(CHUNK_BYTES);
  let room = true;
  const forward = (): void => {
    while (room) {
      const count = port.read(chunk, chunk.length);
      if (count === 0) return;
      room = stdin.write(chunk.slice(0, count));
    }
  };
  stdin.on('drain', () => {
    room = true;
    forward();
  });
  // The process is gone: its end tells more.
  stdin.on('error', () => {});
  port.onReadable = forward;
  port.resume();
  forward();
  let pending: Uint8Array | null = null;
  const write = (bytes: Uint8Array): void => {
    if (port.write(bytes, bytes.length)) return;
    pending = bytes;
    stdout.pause();
  };
  port.onWritable = () => {
    const bytes = pending;
    pending = null;
    if (bytes !== null) write(bytes);
    if (pending === null) stdout.resume();
  };
  stdout.on('data', write);
}
