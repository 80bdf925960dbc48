/**
 * How the guests wait: for any of several queues, by the machine's interrupts. Guest thread. An interrupt is only a
 * reason to look at everything again, so none that belongs to another queue is lost.
 */
import type { Guest } from '../../guest.ts';

/** What can call the guest. Drivers are that for their own queue. */
export interface CallSource {
  /** A hint: calls may still come. */
  disableCalls(): void;
  /** True: nothing came meanwhile, safe to wait. */
  enableCalls(): boolean;
}

/** Waits until one of the sources may have something. False: nothing came in `timeoutMs`. */
export function waitForAny(guest: Guest, sources: readonly CallSource[], timeoutMs: number): boolean {
  let quiet = true;
  for (let i = 0; i < sources.length; i++) if (!sources[i]!.enableCalls()) quiet = false;
  const came = !quiet || guest.waitForInterrupt(timeoutMs) !== 0;
  for (let i = 0; i < sources.length; i++) sources[i]!.disableCalls();
  return came;
}
