/** Whether what was measured on two CPUs was measured in one mode of the machine. Pure. */
import { MODE_FACTOR } from '../../bench/pair/calibration.ts';
import { greatest, least } from '../../bench/statistics/sample.ts';

/** The calibrations around all that is compared lie within a factor of each other; false where one could not be had. */
export function inOneMode(crossCpuNs: readonly (number | null)[]): boolean {
  const known = crossCpuNs.filter((value) => value !== null);
  return known.length === crossCpuNs.length && greatest(known) <= MODE_FACTOR * least(known);
}
