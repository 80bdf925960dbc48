/** In which order a sweep runs: rounds of all cells, each round in a random order of its own, all from one seed. */

export interface Task {
  /** Place of the cell in the sweep. */
  cell: number;
  /** From 1. */
  repetition: number;
}

/** The largest seed. */
export const SEED_MAX = 2 ** 32 - 1;

/** Numbers from 0 up to 1, always the same for a seed: the generator known as mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** All tasks in the order they run. What disturbs the machine for a while disturbs one round of all cells alike. */
export function tasksInOrder(cellCount: number, repetitions: number, seed: number): Task[] {
  const random = randomFrom(seed);
  return Array.from({ length: repetitions }, (_, i) => i + 1).flatMap((repetition) => {
    const round = Array.from({ length: cellCount }, (_, cell) => ({ cell, repetition }));
    for (let last = round.length - 1; last > 0; last--) {
      const other = Math.floor(random() * (last + 1));
      [round[last], round[other]] = [round[other]!, round[last]!];
    }
    return round;
  });
}
