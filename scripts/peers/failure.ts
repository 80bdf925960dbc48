/** What a scenario found wrong, or could not have: said in one line, not with a stack. */
export class Failure extends Error {}

/** What this machine lacks for a scenario: a package, a right, a program that is not built. */
export class Missing extends Error {}

/** @throws Failure naming both values unless they are the same. */
export function expectEqual(what: string, actual: string | number | undefined, expected: string | number): void {
  if (String(actual) !== String(expected)) throw new Failure(`${what}: ${actual ?? 'nothing'}, expected ${expected}`);
}
