/** The flags that a process hands on to its children: those of the engine, without the program to run. */

/** Each runs the text behind it: a child would run it again, and start children itself. */
const PROGRAMS = new Set(['-e', '--eval', '-p', '--print', '-pe']);

export function engineFlags(execArgv: readonly string[]): string[] {
  return execArgv.filter(
    (flag, i) =>
      !PROGRAMS.has(flag) && !PROGRAMS.has(execArgv[i - 1] ?? '') && !/^--(eval|print|input-type)=/.test(flag),
  );
}
