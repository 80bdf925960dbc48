/** What of a failing case it takes. For fuzzers. */

/** Trials in which a failing case is shortened. */
const TRIALS_MAX = 300;

/** Leaves out what can be left out, in ever smaller pieces, while `fails`. At most `trials` times it is asked. */
export async function shorten<T>(
  actions: readonly T[],
  fails: (actions: readonly T[]) => Promise<boolean>,
  trials = TRIALS_MAX,
): Promise<readonly T[]> {
  let left = actions;
  let asked = 0;
  for (let size = Math.ceil(left.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < left.length && asked < trials; ) {
      const without = [...left.slice(0, at), ...left.slice(at + size)];
      asked++;
      if (await fails(without)) left = without;
      else at += size;
    }
  }
  return left;
}
