/** Runs scenarios one after the other, each in a scope of its own, and prints a line for each. */
import { choiceOf } from '../../bench/command-line/option-values.ts';
import { Failure, Missing } from './failure.ts';
import type { Figures, Scenario, Settings } from './scenario.ts';
import { Scope } from './scope.ts';

type Table = Readonly<Record<string, Scenario>>;

/** The scenarios of these names, 'blk' for every 'blk:…'; all but those on demand without names. @throws UsageError */
export function selectScenarios(table: Table, names: readonly string[]): Table {
  const all = Object.entries(table);
  if (names.length === 0) return Object.fromEntries(all.filter(([, { onDemand }]) => !onDemand));
  const families = Object.fromEntries(all.map(([name]) => [name.split(':')[0]!, null]));
  const wanted = names.map((name) => choiceOf('run', name, { ...table, ...families }));
  return Object.fromEntries(all.filter(([name]) => wanted.includes(name) || wanted.includes(name.split(':')[0]!)));
}

/** `pass  blk:qsd  5.1 s  key value, key value`. */
export function reportLine(verdict: string, name: string, seconds: number, said: string): string {
  return `${verdict.padEnd(4)}  ${name.padEnd(18)} ${seconds.toFixed(1).padStart(6)} s  ${said}`.trimEnd();
}

const figuresText = (figures: Figures) =>
  Object.entries(figures)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');

export interface RunOptions {
  /** A scenario that this machine lacks something for fails, instead of being skipped. */
  mustRun: boolean;
  /** Keep everything; else the logs of failures stay. */
  keep: boolean;
  say: (line: string) => void;
}

/** Returns the exit code. */
export async function runScenarios(
  table: Table,
  settings: Settings,
  { mustRun, keep, say }: RunOptions,
): Promise<number> {
  let failed = false;
  for (const [name, scenario] of Object.entries(table)) {
    const scope = new Scope(name, settings.origin);
    const start = performance.now();
    const report = (verdict: string, said: string) =>
      say(
        reportLine(
          verdict,
          name,
          (performance.now() - start) / 1000,
          [...scope.versions, said].filter((text) => text !== '').join(', '),
        ),
      );
    let stays: 'all' | 'logs' | 'nothing' = keep ? 'all' : 'nothing';
    try {
      report('pass', figuresText(await scenario.run(scope, settings)));
    } catch (error) {
      const skipped = error instanceof Missing && !mustRun;
      failed ||= !skipped;
      if (!skipped && !keep) stays = 'logs';
      const known = error instanceof Missing || error instanceof Failure;
      report(skipped ? 'skip' : 'FAIL', known ? error.message : String((error as Error).stack));
    }
    await scope.close(stays);
    if (stays !== 'nothing') say(`      logs: ${scope.folder}`);
  }
  return failed ? 1 : 0;
}
