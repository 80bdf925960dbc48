/**
 * Change points of what is drawn, searched for in short slices between which the browser does what it must: a long
 * history with many changes takes seconds. What was found once is kept. Nothing of the page is touched here.
 */
import { type ChangePoint, changePointSearch } from '../../statistics/change-points.ts';

/** Shorter than what a hand on a control notices; of the search's steps each takes a tenth of a millisecond or so. */
const SLICE_MS = 12;
const PERMUTATIONS = 199;
/** Series whose changes are kept: those of the charts that are looked at in turn. */
const KEPT_MAX = 256;

interface Search {
  key: string;
  steps: Generator<undefined, ChangePoint[]>;
  onFound: (changes: readonly ChangePoint[]) => void;
}

const kept = new Map<string, readonly ChangePoint[]>();
const waiting: Search[] = [];
let searching = false;

/** Calls `onFound` once, at once for a series that was searched before; never after the next `dropSearches`. */
export function searchChanges(series: readonly number[], onFound: Search['onFound']): void {
  const key = series.join();
  const known = kept.get(key);
  if (known !== undefined) {
    onFound(known);
    return;
  }
  waiting.push({ key, steps: changePointSearch(series, { permutations: PERMUTATIONS }), onFound });
  if (!searching) setTimeout(searchOn);
  searching = true;
}

/** Ends the searches for what is not drawn any more. */
export function dropSearches(): void {
  waiting.length = 0;
}

function searchOn(): void {
  const untilMs = performance.now() + SLICE_MS;
  while (waiting.length > 0 && performance.now() < untilMs) {
    const { key, steps, onFound } = waiting[0]!;
    const { done, value } = steps.next();
    if (!done) continue;
    waiting.shift();
    if (kept.size >= KEPT_MAX) kept.delete(kept.keys().next().value!);
    kept.set(key, value);
    onFound(value);
  }
  searching = waiting.length > 0;
  if (searching) setTimeout(searchOn);
}
