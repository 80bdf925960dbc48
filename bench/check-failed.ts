/** A check of the benchmark's own: data or an answer was other than it must be. Exit code 1. */

export class CheckFailed extends Error {
  constructor(what: string, expected: number | string, actual: number | string) {
    super(`${what}: expected ${expected}, got ${actual}`);
    this.name = 'CheckFailed';
  }
}

/** @throws CheckFailed unless both are the same. */
export function expectEqual(what: string, actual: number, expected: number): void {
  if (actual !== expected) throw new CheckFailed(what, expected, actual);
}
