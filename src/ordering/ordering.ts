/**
 * How a field shared with the peer is read and written: a measured variable.
 *
 * Every ordered access of a ring goes through `SharedFields`, and each carries a letter that names its partner on
 * the other side (a test checks that both stand):
 *
 *     A  release / acquire  the guest publishes its available index; the host reads descriptors behind it
 *     B  release / acquire  the host publishes its used index; the guest reads used elements behind it
 *     C  full               guest: index, then the host's wish for kicks; host: wish, then the index
 *     D  full               host: index, then the guest's wish for calls; guest: wish, then the index
 *     E  full               ringer: what it published, then the doorbell; waiter: the doorbell, then what was published
 */
import type { MemoryRegion } from '../memory/region.ts';

/** Ordered access to 16-bit fields by byte offset in a region. One strategy an isolate, so that calls inline. */
export interface SharedFields {
  /** An acquire at least: nothing after it is read earlier. */
  load16(offset: number): number;
  /** A release at least: everything before it is visible first. */
  store16(offset: number, value: number): void;
  /** Nothing after is read before everything earlier is visible to the peer. */
  fence(): void;
}

export interface Ordering {
  /** Its name on the command line and in records. */
  readonly name: string;
  /** One line for the help text. */
  readonly summary: string;
  /** True if the ECMAScript memory model guarantees it. The others exist to be measured, and caught. */
  readonly sound: boolean;
  bind(region: MemoryRegion): SharedFields;
}
