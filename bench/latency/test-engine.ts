/** Scripts of tests that ask the engine whether its optimised code is still there. */
import { spawnSync } from 'node:child_process';
import { execPath } from 'node:process';

/** In the engine's own words: is the function compiled by its optimising compiler, and not thrown out of that. */
const OPTIMISED = 'const optimised = (code) => (%GetOptimizationStatus(code) & 16) !== 0;';

/**
 * What a script prints that is given the address of `module`, beside this file, and `args`. It may use the engine's
 * intrinsics, and `optimised`.
 * @throws Error with what went wrong in it
 */
export function printedByEngine(module: string, script: string, ...args: string[]): string {
  const flags = ['--allow-natives-syntax', '--input-type=module', '--eval', `${OPTIMISED}\n${script}`];
  const address = new URL(module, import.meta.url).href;
  const { stdout, stderr, status } = spawnSync(execPath, [...flags, address, ...args], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}
