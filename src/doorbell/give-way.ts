/** Gives a CPU that both sides share away for a moment: the peer runs, or this thread would look in vain. Either thread. */
import { cpuYield } from '../native/scheduler.ts';

const SLEEP_MS = 0.001;

export interface GiveWay {
  /** By libc, a turn for the peer; else by the shortest sleep there is, which is a long one. */
  readonly yields: boolean;
  give(): void;
}

export function giveWay(): GiveWay {
  const yieldCpu = cpuYield();
  if (yieldCpu !== null) return { yields: true, give: () => void yieldCpu() };
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  return { yields: false, give: () => void Atomics.wait(nobody, 0, 0, SLEEP_MS) };
}
