/** Bad lines, as commands name them that have something else to say: the first ones, and how many there are. Pure. */
import { grouped } from '../command-line/columns.ts';
import { type Problem, placeOf } from './load.ts';

/** Of more only the number is told; `results doctor` names all. */
const NAMED_MAX = 5;

export function problemLines(problems: readonly Problem[]): string[] {
  const named = problems.slice(0, NAMED_MAX).map((problem) => `${placeOf(problem)}: ${problem.why}`);
  if (problems.length <= NAMED_MAX) return named;
  return [...named, `${grouped(problems.length)} in all; results doctor names them`];
}
