/** What holds ours back in a row that it loses: the largest of what it spends more of than theirs. Pure. */
import type { OurFigures, PeerFigures, PeerRecord } from '../../bench/records/peer-record.ts';
import { median } from '../../bench/statistics/sample.ts';

interface Cost {
  what: string;
  /** Nanoseconds a transfer, of both sides. */
  ours: number;
  theirs: number;
}

/** Of both sides, in percent of transfers; null where theirs prints none. */
function notified(runs: readonly (OurFigures | PeerFigures)[], transfers: number): number | null {
  const counts = runs.flatMap(({ guest, host }) =>
    guest === null || host === null ? [] : [guest.notified + host.notified],
  );
  return counts.length === 0 ? null : (100 * median(counts)) / transfers;
}

const ns = (cost: number) => `${cost.toFixed(0)} ns`;

/** One sentence without its end, of runs with that strategy. */
export function boundText({ rounds, transfers }: PeerRecord, strategy: string): string {
  const ours = rounds.flatMap((round) => round.ours.filter((run) => run.strategy === strategy));
  const theirs = rounds.map(({ peer }) => peer);
  const cost = (what: string, of: 'cpuUserNs' | 'cpuSystemNs'): Cost => ({
    what,
    ours: median(ours.map((run) => run[of])) / transfers,
    theirs: median(theirs.map((run) => run[of])) / transfers,
  });
  const costs = [cost('user time', 'cpuUserNs'), cost('system time', 'cpuSystemNs')];
  const [most] = costs.sort((a, b) => b.ours - b.theirs - (a.ours - a.theirs));
  const { what, ours: spent, theirs: needed } = most!;
  const bound =
    spent > needed
      ? `${what} ${ns(spent)} a transfer against ${ns(needed)}`
      : 'more waiting: it spends no more CPU time a transfer';
  const [our, their] = [notified(ours, transfers), notified(theirs, transfers)];
  const percent = (share: number) => `${share.toFixed(2)} %`;
  return our === null || their === null
    ? bound
    : `${bound}; notifications ${percent(our)} of transfers against ${percent(their)}`;
}
