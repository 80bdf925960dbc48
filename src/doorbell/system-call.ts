/** The ringing end of doorbells of the kernel's: each ring is a system call, whether or not anybody sleeps. */
import type { Doorbell } from './doorbell.ts';

export abstract class SystemCallDoorbell implements Doorbell {
  rings = 0;
  protected readonly descriptor: number;

  constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  /** Every ring enters the kernel. */
  get wakeSyscalls(): number {
    return this.rings;
  }

  ring(): void {
    this.rings++;
    this.signal();
  }

  resetCounters(): void {
    this.rings = 0;
  }

  protected abstract signal(): void;
}
