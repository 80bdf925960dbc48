/** Where the threads of all pairs run: `--cpus` against the CPUs that this process may use. Main thread. */
import { UsageError } from '../command-line/option-values.ts';
import { allowedCpus } from '../pair/pinning.ts';
import type { Placement } from '../pair/running-pair.ts';

/** A placement that this machine cannot give; the message names what is wrong. */
export class PlacementError extends Error {}

const NAMED = /^\d+,\d+(\/\d+,\d+)*$/;

/** How many pairs `--cpus` names the CPUs of, as `0,1/2,3`; null: none by number. */
export const pairsNamed = (cpus: string): number | null => (NAMED.test(cpus) ? cpus.split('/').length : null);

/** Where one CPU alone is allowed, both threads run there, whatever is asked for: that is `same`, and called so. */
const onlyCpu = (allowed: readonly number[] | null): number | null => (allowed?.length === 1 ? allowed[0]! : null);

/** `--cpus` where it is not given. */
export const cpusByDefault = (allowed: readonly number[] | null): 'distant' | 'same' =>
  onlyCpu(allowed) === null ? 'distant' : 'same';

/** What must be said of it; null: nothing. */
export function cpusNote(allowed: readonly number[] | null): string | null {
  const only = onlyCpu(allowed);
  return only === null ? null : `--cpus same, because CPU ${only} alone is allowed here; else the default is distant`;
}

/**
 * Resolves `none`, or for each pair two CPUs. `distant`: pair 0 has the first and the last that are allowed, pair 1 the
 * second and the last but one, where that is the same one the next; `same`: each pair has one, in order; both begin anew
 * when there are no more. `G,H`, for several pairs `G,H/G,H`: those.
 * @param allowed ascending CPU numbers, or null where the system does not tell.
 * @throws PlacementError for anything else, a CPU that is not allowed, or threads that would share the only one.
 */
export function placeThreads(cpus: string, allowed: number[] | null, pairs: number): Placement[] {
  const each = (of: (pair: number) => Placement) => Array.from({ length: pairs }, (_, pair) => of(pair));
  const unpinned = (unpinnedReason: string) =>
    each(() => ({ guest: null, host: null, apart: true, required: false, unpinnedReason }));
  const only = onlyCpu(allowed);
  if (only !== null && (cpus === 'none' || cpus === 'distant'))
    throw new PlacementError(`${cpus} cannot be had: CPU ${only} alone is allowed here, and both on it is --cpus same`);
  if (cpus === 'none') return unpinned('by --cpus none');
  const named = pairsNamed(cpus);
  if (named === null && cpus !== 'distant' && cpus !== 'same')
    throw new PlacementError(`wants distant, same, none or two CPU numbers a pair like 0,1 or 0,1/2,3, not '${cpus}'`);
  if (allowed === null) {
    if (named !== null) throw new PlacementError(`cannot pin to ${cpus}: this system does not tell its CPUs`);
    return unpinned('this system does not tell which CPUs are allowed');
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
    if (cpus === 'same') return pinned(guest, guest);
    const opposite = allowed.length - 1 - place;
    return pinned(guest, allowed[opposite === place ? (place + 1) % allowed.length : opposite]!);
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
