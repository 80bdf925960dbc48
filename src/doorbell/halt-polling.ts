/**
 * How long to look before sleeping, as a hypervisor's halt polling adapts it: a wait so short that looking longer would
 * have avoided it doubles the time; a long one, which no looking would have avoided, halves it.
 */

/** The first time above none, microseconds; half of it is none. */
const LOOK_MIN_US = 2;

export class HaltPolling {
  currentUs: number;
  private readonly maxUs: number;

  /** @param maxUs the longest time to look, microseconds; 0: never. */
  constructor(maxUs: number) {
    this.maxUs = maxUs;
    this.currentUs = maxUs;
  }

  /** After a wait that had to sleep and took `waitedUs`. */
  waited(waitedUs: number): void {
    if (waitedUs > this.maxUs) this.currentUs = this.currentUs <= LOOK_MIN_US ? 0 : this.currentUs / 2;
    else this.currentUs = Math.min(this.maxUs, Math.max(LOOK_MIN_US, this.currentUs * 2));
  }
}
