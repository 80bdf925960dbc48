/** The help text of `run`. */
import { optionsHelp } from './options.ts';

export function runHelp(): string {
  return `vringbench run: a guest and a host over one shared virtio ring

  npm run bench -- [options]        or: vringbench [run] [options]
  vringbench help                   lists the other commands

Without --parallel: the basic test, five parts on one thread, one line each.
With --parallel: guest and host in two threads, pinned; prints the lines of the
kernel's vringh_test, then this program's figures, and appends a record.

${optionsHelp()}

Examples
  npm run bench -- --eventidx --parallel
  npm run bench -- --eventidx --parallel --cpus same --repeat 5
  npm run bench -- --indirect --slow-range
  npm run --silent bench -- --parallel --transfers 1M --json --out none

Exit codes
  0 done   1 a check or the run failed   2 usage   3 lost wake-up or stalled peer
  130 interrupted`;
}
