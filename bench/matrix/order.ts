/** In which order a sweep runs: rounds of all cells, each round in a random order of its own, all from one seed. */
import { randomFrom, shuffle } from '../statistics/random.ts';

export interface Task {
  /** Place of the cell in the sweep. */
  cell: number;
  /** From 1. */
  repetition: number;
}

/** All tasks in the order they run. What disturbs the machine for a while disturbs one round of all cells alike. */
export function tasksInOrder(cellCount: number, repetitions: number, seed: number): Task[] {
  const random = randomFrom(seed);
  return Array.from({ length: repetitions }, (_, i) => i + 1).flatMap((repetition) => {
    const round = Array.from({ length: cellCount }, (_, cell) => ({ cell, repetition }));
    shuffle(round, 0, round.length, random);
    return round;
  });
}
