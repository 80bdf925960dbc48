/**
 * How late the kernel may end the calling thread's timed sleeps. As it comes that is 50 us, which lets timers share an
 * interrupt; a pace wants less, but only for its own pauses: doorbells are measured with timers as they come. Linux, by
 * /proc; elsewhere nothing changes.
 */
import { openSync, readlinkSync, writeSync } from 'node:fs';
import { basename } from 'node:path';

const SHARP_NS = Buffer.from('1');
/** The kernel reads this as: back to the thread's default. */
const DEFAULT_NS = Buffer.from('0');

export class Timers {
  /** Whether `sharpen` does anything here. */
  readonly adjustable: boolean;
  private readonly file: number | null;

  /** On the thread whose timers they are. Its file stays open as long as the thread lives. */
  constructor() {
    this.file = openSlack();
    this.adjustable = this.file !== null;
  }

  sharpen(): void {
    if (this.file !== null) writeSync(this.file, SHARP_NS);
  }

  restore(): void {
    if (this.file !== null) writeSync(this.file, DEFAULT_NS);
  }
}

function openSlack(): number | null {
  try {
    const file = openSync(`/proc/${basename(readlinkSync('/proc/thread-self'))}/timerslack_ns`, 'r+');
    // Not everybody who may open it may write to it.
    writeSync(file, DEFAULT_NS);
    return file;
  } catch {
    return null;
  }
}
