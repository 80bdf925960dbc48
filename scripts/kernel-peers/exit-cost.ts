/**
 * What ringtest makes a notification cost, as our `--exit-cost`. It burns cycles of the time stamp counter around each
 * write and each wait, as leaving and entering a virtual machine would; ours burns nanoseconds, and for rings alone.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { arch } from 'node:process';
import { Failure, Missing } from '../peers/failure.ts';
import { type ChildOptions, runWell } from './child.ts';

/** Leaving and entering together, by the tree's ringtest/main.h, whose first definitions are those of x86. @throws Failure */
export function exitCycles(mainHeader: string): number {
  const cycles = (name: string) => {
    const match = new RegExp(`^#define\\s+${name}\\s+(\\d+)\\s*$`, 'm').exec(mainHeader);
    if (match === null) throw new Failure(`ringtest/main.h does not say ${name}`);
    return Number(match[1]);
  };
  return cycles('VMEXIT_CYCLES') + cycles('VMENTRY_CYCLES');
}

/** Whole nanoseconds. */
export const exitCostNs = (cycles: number, hertz: number): number => Math.round((cycles * 1e9) / hertz);

/** Counts the counter against the kernel's raw clock for a tenth of a second. */
const COUNTER_PROGRAM = `#include <stdio.h>
#include <time.h>
#include <x86intrin.h>
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC_RAW, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}
int main(void) {
  double start = now(), end;
  unsigned long long counted = __rdtsc();
  while ((end = now()) - start < 0.1) {}
  printf("%.0f\\n", (__rdtsc() - counted) / (end - start));
  return 0;
}
`;

/** How fast the time stamp counter counts; measured. @throws Missing where there is none, Failure, Interrupted */
export async function counterHertz(folder: string, options: ChildOptions): Promise<number> {
  if (arch !== 'x64') throw new Missing(`ringtest burns cycles of x86's time stamp counter: not on ${arch}`);
  const source = join(folder, 'counter.c');
  const program = join(folder, 'counter');
  if (!existsSync(program)) {
    writeFileSync(source, COUNTER_PROGRAM);
    await runWell('cc', ['-O2', '-o', program, source], options);
  }
  const { out } = await runWell(program, [], options);
  const hertz = Number(out);
  if (!(hertz > 1e8 && hertz < 1e11)) throw new Failure(`the time stamp counter counts '${out.trim()}' a second`);
  return hertz;
}
