/** Windows that are too short to tell anything, or that were not steady. */
import type { Repetition, RunConfig } from '../records/record.ts';
import { least, median } from '../statistics/sample.ts';

/** Shorter windows are mostly their two ends; twice as long ones do. */
const WALL_MIN_NS = 100_000_000;
/** Of a window's speed: a beginning that is slower than the rest, and a tenth that stands out of what machines scatter. */
const ONSET_MAX = 0.8;
const TENTH_MIN = 0.5;

/** The first digit, and noughts; not less than the value. */
function roundUp(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value));
  return Math.ceil(value / unit) * unit;
}

/** As the command line takes it. */
const asArgument = (count: number) =>
  count % 1e6 === 0 ? `${count / 1e6}M` : count % 1e3 === 0 ? `${count / 1e3}k` : String(count);

export function windowWarnings(config: RunConfig, repetitions: readonly Repetition[]): string[] {
  const lines: string[] = [];
  const shortest = repetitions.reduce<Repetition | null>(
    (least, one) => (least === null || one.wallNs < least.wallNs ? one : least),
    null,
  );
  if (shortest === null) return lines;
  if (shortest.wallNs < WALL_MIN_NS) {
    const enough = roundUp((config.transfers * 2 * WALL_MIN_NS) / shortest.wallNs);
    lines.push(
      `the window took ${(shortest.wallNs / 1e6).toFixed(1)} ms, which is mostly its two ends: ` +
        `--transfers ${asArgument(enough)} takes long enough`,
    );
    return lines;
  }
  if (config.rate > 0) return lines;
  const doubts = repetitions.map(({ tenths }) => doubtOf(tenths)).filter((doubt) => doubt !== null);
  if (doubts.length > 0) lines.push(`${doubts[0]}${doubts.length === 1 ? '' : `, and ${doubts.length - 1} more`}`);
  return lines;
}

/** What the tenths of a window tell against it, or null. */
export function doubtOf(tenths: readonly number[]): string | null {
  if (tenths.length < 10) return null;
  const middle = median(tenths);
  const shown = (speed: number) => (speed / 1e6).toFixed(2);
  const rest = median(tenths.slice(5));
  const begin = median(tenths.slice(0, 3));
  if (begin < ONSET_MAX * rest)
    return `the window was not steady: its first tenths ran at ${shown(begin)} M/s, its second half at ${shown(rest)}`;
  const slowest = least(tenths);
  if (slowest < TENTH_MIN * middle)
    return `the window was not steady: tenth ${tenths.indexOf(slowest) + 1} of 10 ran at ${shown(slowest)} M/s, the middle one at ${shown(middle)}`;
  return null;
}
