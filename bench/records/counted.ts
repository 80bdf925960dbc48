/** Which records have figures that count: those of runs that did what they said. Any thread. */
import type { RunRecord } from './record.ts';

/**
 * False for a run whose check failed: it moved something else than what it was to move, and its speed is the speed of
 * that. The finished repetitions of a run that was interrupted or ran out of time were verified, and count.
 */
export const figuresCount = ({ outcome }: Pick<RunRecord, 'outcome'>): boolean => outcome !== 'check-failed';
