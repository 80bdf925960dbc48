/**
 * One row: rounds in which theirs and ours run in turn, so that what the machine does meanwhile happens to both, and a
 * ratio for each round. Which of the two goes first alternates. Theirs as shipped, which is for reference, runs on the
 * far side of the one that ours is compared with.
 */
import type { OurFigures, PeerFigures, PeerRound, ShippedFigures } from '../../bench/records/peer-record.ts';
import { inOneMode } from './modes.ts';

/** Rounds that may be run for one that is wanted: on two CPUs some fall into two modes of the machine. */
const TRIES = 2;

/** What a round is made of. Each runs a program to its end. */
export interface Sides {
  peer(): Promise<Omit<PeerFigures, 'crossCpuNs'>>;
  /** Theirs as shipped; null: not run. */
  shipped: (() => Promise<Omit<PeerFigures, 'crossCpuNs'>>) | null;
  ours(strategy: string): Promise<Omit<OurFigures, 'ratio' | 'strategy'>>;
  /** What the way between the two CPUs costs now, twice; null where both share one. */
  calibrate: (() => Promise<[number | null, number | null]>) | null;
}

export interface MeasureOptions {
  strategies: readonly string[];
  /** Ratios wanted of each strategy; without strategies, runs of theirs. */
  rounds: number;
  /** Called before each run. */
  onRun(round: number, what: string): void;
}

/** Adds finished rounds to `rounds` until each strategy has its ratios, or the tries are used up. */
export async function measureRow(rounds: PeerRound[], sides: Sides, options: MeasureOptions): Promise<void> {
  const { strategies, rounds: wanted, onRun } = options;
  const tries = sides.calibrate === null ? wanted : TRIES * wanted;
  for (let i = 0; i < tries; i++) {
    const lacking = strategies.filter((strategy) => ratiosOf(rounds, strategy).length < wanted);
    if (i >= wanted && lacking.length === 0) return;
    const first = i % 2 === 0 ? 'peer' : 'ours';
    const theirs = async (what: string, program: Sides['peer']) => {
      onRun(i, what);
      return await calibrated(program, sides.calibrate);
    };
    const runShipped = async () => (sides.shipped === null ? null : await theirs('theirs, as shipped', sides.shipped));
    const ours: Omit<OurFigures, 'ratio'>[] = [];
    let shipped = first === 'peer' ? await runShipped() : null;
    let peer = first === 'peer' ? await theirs('theirs', sides.peer) : null;
    for (const strategy of first === 'peer' ? lacking : lacking.toReversed()) {
      onRun(i, `ours, ${strategy}`);
      ours.push({ strategy, ...(await sides.ours(strategy)) });
    }
    peer ??= await theirs('theirs', sides.peer);
    shipped ??= await runShipped();
    rounds.push(roundOf(first, peer, shipped, ours, sides.calibrate !== null));
  }
}

async function calibrated(program: Sides['peer'], calibrate: Sides['calibrate']): Promise<PeerFigures> {
  if (calibrate === null) return { ...(await program()), crossCpuNs: [null, null] };
  // Of each calibration the one that is next to their run.
  const [, before] = await calibrate();
  const figures = await program();
  const [after] = await calibrate();
  return { ...figures, crossCpuNs: [before, after] };
}

function roundOf(
  first: PeerRound['first'],
  peer: PeerFigures,
  shipped: PeerFigures | null,
  ours: readonly Omit<OurFigures, 'ratio'>[],
  apart: boolean,
): PeerRound {
  const compared = <Figures extends Omit<ShippedFigures | OurFigures, 'ratio'>>(figures: Figures) => {
    const { crossCpuNs, transfersPerSecond } = figures;
    const oneMode = !apart || inOneMode([...peer.crossCpuNs, ...crossCpuNs]);
    return { ...figures, ratio: oneMode ? transfersPerSecond / peer.transfersPerSecond : null };
  };
  return { first, peer, shipped: shipped === null ? null : compared(shipped), ours: ours.map(compared) };
}

/** Those of rounds that can be compared. */
export const ratiosOf = (rounds: readonly PeerRound[], strategy: string): number[] =>
  rounds.flatMap(({ ours }) =>
    ours.flatMap((run) => (run.strategy === strategy && run.ratio !== null ? [run.ratio] : [])),
  );
