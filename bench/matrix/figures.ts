/** What is shown of a cell, derived from the records of its repetitions. */
import { printableLine } from '../command-line/printable.ts';
import { percentileNs, sumOf } from '../latency/histogram.ts';
import { kindOf } from '../records/kinds-of-notes.ts';
import type { Repetition, RunRecord } from '../records/record.ts';
import { cpuNsOf, encodedOf, ringsOf, transfersOf } from '../records/sums.ts';
import { median } from '../statistics/sample.ts';

export interface Figures {
  /** Transfers a second in each finished repetition, by its number. */
  speeds: ReadonlyMap<number, number>;
  median: number;
  /** Medians a transfer: rings of each side, CPU time of both sides. */
  kicks: number;
  calls: number;
  cpuNs: number;
  /** Round trips of all repetitions, nanoseconds: null where not measured, or too few. */
  roundTripNs: { p50: number | null; p99: number | null } | null;
  /** A repetition ended otherwise than well. */
  failed: boolean;
  /** What else must be said of it: ways to end that are none, warnings; each once. */
  notes: string[];
}

export function figuresOf(records: readonly RunRecord[]): Figures {
  const finished = records.filter(({ repetitions }) => repetitions.length > 0);
  const perTransfer = (figure: (repetition: Repetition) => number) =>
    finished.length === 0
      ? Number.NaN
      : median(
          finished.map(
            ({ config, repetitions: [repetition] }) => figure(repetition!) / transfersOf(config, repetition!),
          ),
        );
  const speeds = new Map(
    finished.map(({ sweep, repetitions }) => [sweep!.repetition, repetitions[0]!.transfersPerSecond]),
  );
  return {
    speeds,
    median: speeds.size === 0 ? Number.NaN : median([...speeds.values()]),
    kicks: perTransfer((repetition) => ringsOf(repetition, 'guest')),
    calls: perTransfer((repetition) => ringsOf(repetition, 'host')),
    cpuNs: perTransfer(cpuNsOf),
    roundTripNs: roundTripsOf(finished),
    failed: records.some(({ outcome }) => outcome !== 'done'),
    notes: notesOf(records),
  };
}

function roundTripsOf(finished: readonly RunRecord[]): Figures['roundTripNs'] {
  const encoded = encodedOf(
    finished.map(({ repetitions: [repetition] }) => repetition!),
    'roundTrip',
  );
  if (encoded.length === 0) return null;
  const sum = sumOf(encoded);
  return { p50: percentileNs(sum, 50), p99: percentileNs(sum, 99) };
}

/** Warnings and ways to end that are none; of those that differ in their numbers alone the first. */
function notesOf(records: readonly RunRecord[]): string[] {
  const notes = new Map<string, string>();
  for (const { outcome, failure, warnings } of records) {
    // Lost wake-ups are no failure of the repetition: a warning counts them.
    const ended = failure === null ? [] : [`${outcome}: ${failure}`];
    for (const note of [...ended, ...warnings].map(printableLine))
      if (!notes.has(kindOf(note))) notes.set(kindOf(note), note);
  }
  return [...notes.values()];
}
