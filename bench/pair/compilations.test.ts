/**
 * The window by the engine's own trace: after the last collection that ends a leg of the warm-up nothing of the loops is
 * compiled or thrown out of optimised code. Of loops in Wasm the trace says nothing; looks
 * depend on what the peer does, and are left out. In a process of its own, which compiles on the threads that it compiles for.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

const TRACE = ['--trace-opt', '--trace-deopt', '--trace-gc', '--no-concurrent-recompilation'];
const MEASURE = new URL('../run/test-measure.js', import.meta.url).href;

/** What the loops are made of. */
const HOT = /<JSFunction (advance|getBuf|addDeferred|flush|fill|append|verify|next|complete|serve|sent|returned|due) /;
/** The collection that ends each leg, of either thread. */
const LEG_ENDED = /Mark-Compact .*testing/;

function traceOf(args: readonly string[]): string[] {
  const script = `import { measure } from ${JSON.stringify(MEASURE)}; await measure(${JSON.stringify(['--warmup', 'auto', '--loop', 'js', '--look-us', '0', ...args])});`;
  const node = [...TRACE, '--input-type=module', '--eval', script];
  const text = execFileSync(process.execPath, node, { encoding: 'utf8', maxBuffer: 2 ** 28, timeout: 120_000 });
  return text.split('\n').filter((line) => LEG_ENDED.test(line) || HOT.test(line));
}

const compiles = (line: string) => /^\[(completed compiling|bailout)/.test(line);

const SHORT = ['--transfers', '300k'];

for (const args of [
  SHORT,
  [...SHORT, '--eventidx', '--indirect'],
  [...SHORT, '--engine', 'js'],
  ['--rate', '50k', '--transfers', '20k'],
  [...SHORT, '--layout', 'null'],
])
  test(`window: nothing of the loops is compiled in it: ${args.join(' ')}`, () => {
    const lines = traceOf(args);
    const windowAt = lines.findLastIndex((line) => LEG_ENDED.test(line));
    assert.ok(lines.slice(0, windowAt).some(compiles), 'the warm-up compiles them');
    assert.deepEqual(lines.slice(windowAt).filter(compiles), []);
  });
