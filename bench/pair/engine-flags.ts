/** What of a process's own flags its children are started with: those of the engine, not the program to run. */

/** Each runs the text behind it: a child would run it again, and start children itself. */
const PROGRAMS = new Set(['-e', '--eval', '-p', '--print', '-pe']);

export function engineFlags(execArgv: readonly string[]): string[] {
  return execArgv.filter(
    (flag, i) =>
      !PROGRAMS.has(flag) && !PROGRAMS.has(execArgv[i - 1] ?? '') && !/^--(eval|print|input-type)=/.test(flag),
  );
}
