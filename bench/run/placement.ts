/** Where the two threads of a pair run: `--cpus` against the CPUs that this process may use. Main thread. */
import { UsageError } from '../command-line/option-values.ts';
import { allowedCpus } from '../pair/pinning.ts';

export interface Placement {
  guest: number | null;
  host: number | null;
  /** They can run at the same time, so that the way between their CPUs can be measured. */
  apart: boolean;
  /** The CPUs were named: not getting them is an error. */
  required: boolean;
  /** Why neither is pinned; shown and recorded. */
  unpinnedReason: string;
}

/** A placement that this machine cannot give; the message names what is wrong. */
export class PlacementError extends Error {}

/**
 * Resolves `distant` (first and last allowed CPU), `same` (both on the first), `none`, or `G,H`.
 * @param allowed ascending CPU numbers, or null where the system does not tell.
 * @throws PlacementError for anything else, or a CPU that is not allowed.
 */
export function placeThreads(cpus: string, allowed: number[] | null): Placement {
  if (cpus === 'none')
    return { guest: null, host: null, apart: allowed?.length !== 1, required: false, unpinnedReason: 'by --cpus none' };
  const explicit = /^(\d+),(\d+)$/.exec(cpus);
  if (explicit === null && cpus !== 'distant' && cpus !== 'same')
    throw new PlacementError(`wants distant, same, none or two CPU numbers like 0,1, not '${cpus}'`);
  if (allowed === null) {
    if (explicit !== null) throw new PlacementError(`cannot pin to ${cpus}: this system does not tell its CPUs`);
    const unpinnedReason = 'this system does not tell which CPUs are allowed';
    return { guest: null, host: null, apart: true, required: false, unpinnedReason };
  }
  const first = allowed[0]!;
  const last = allowed[allowed.length - 1]!;
  const [guest, host] =
    explicit === null ? [first, cpus === 'same' ? first : last] : [Number(explicit[1]), Number(explicit[2])];
  for (const cpu of [guest, host])
    if (!allowed.includes(cpu))
      throw new PlacementError(`CPU ${cpu} is not among those allowed here: ${allowed.join(',')}`);
  return { guest, host, apart: guest !== host, required: explicit !== null, unpinnedReason: '' };
}

/** `--cpus` on this machine. @throws UsageError */
export function placementOf(cpus: string): Placement {
  try {
    return placeThreads(cpus, allowedCpus());
  } catch (error) {
    if (error instanceof PlacementError) throw new UsageError(`--cpus ${error.message}`);
    throw error;
  }
}
