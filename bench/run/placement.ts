/** Where the threads of all pairs run: `--cpus` against the CPUs that this process may use. Main thread. */
import { UsageError } from '../command-line/option-values.ts';
import { allowedCpus } from '../pair/pinning.ts';
import type { Placement } from '../pair/running-pair.ts';

/** A placement that this machine cannot give; the message names what is wrong. */
export class PlacementError extends Error {}

const NAMED = /^\d+,\d+(\/\d+,\d+)*$/;

/** How many pairs `--cpus` names the CPUs of, as `0,1/2,3`; null: none by number. */
export const pairsNamed = (cpus: string): number | null => (NAMED.test(cpus) ? cpus.split('/').length : null);

/**
 * Resolves `none`, or for each pair two CPUs. `distant`: pair 0 has the first and the last that are allowed, pair 1 the
 * second and the last but one; `same`: each pair has one, in order; both begin anew when there are no more. `G,H`, for
 * several pairs `G,H/G,H`: those.
 * @param allowed ascending CPU numbers, or null where the system does not tell.
 * @throws PlacementError for anything else, or a CPU that is not allowed.
 */
export function placeThreads(cpus: string, allowed: number[] | null, pairs: number): Placement[] {
  const each = (of: (pair: number) => Placement) => Array.from({ length: pairs }, (_, pair) => of(pair));
  const unpinned = (apart: boolean, unpinnedReason: string) =>
    each(() => ({ guest: null, host: null, apart, required: false, unpinnedReason }));
  if (cpus === 'none') return unpinned(allowed?.length !== 1, 'by --cpus none');
  const named = pairsNamed(cpus);
  if (named === null && cpus !== 'distant' && cpus !== 'same')
    throw new PlacementError(`wants distant, same, none or two CPU numbers a pair like 0,1 or 0,1/2,3, not '${cpus}'`);
  if (allowed === null) {
    if (named !== null) throw new PlacementError(`cannot pin to ${cpus}: this system does not tell its CPUs`);
    return unpinned(true, 'this system does not tell which CPUs are allowed');
  }
  if (named !== null && named !== pairs)
    throw new PlacementError(`${cpus} names the CPUs of ${named} of ${pairs} pairs`);
  const pinned = (guest: number, host: number): Placement => {
    for (const cpu of [guest, host])
      if (!allowed.includes(cpu))
        throw new PlacementError(`CPU ${cpu} is not among those allowed here: ${allowed.join(',')}`);
    return { guest, host, apart: guest !== host, required: named !== null, unpinnedReason: '' };
  };
  if (named !== null)
    return cpus.split('/').map((pair) => {
      const [guest, host] = pair.split(',').map(Number);
      return pinned(guest!, host!);
    });
  return each((pair) => {
    const place = pair % allowed.length;
    const guest = allowed[place]!;
    return pinned(guest, cpus === 'same' ? guest : allowed[allowed.length - 1 - place]!);
  });
}

/** `--cpus` on this machine. @throws UsageError */
export function placementOf({ cpus, pairs }: { cpus: string; pairs: number }): Placement[] {
  try {
    return placeThreads(cpus, allowedCpus(), pairs);
  } catch (error) {
    if (error instanceof PlacementError) throw new UsageError(`--cpus ${error.message}`);
    throw error;
  }
}
