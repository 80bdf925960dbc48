/** A file decides how many repetitions there are: what takes them one by one takes a million. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pairCells } from './compare/cells.ts';
import { benchmarksOf } from './export/benchmarks.ts';
import { goText } from './export/go.ts';
import { figuresOf } from './export/measures.ts';
import { PACKAGE_ROOT } from './records/environment.ts';
import { recordOf, repetition } from './records/test-record.ts';
import { cliffsDelta } from './statistics/effect.ts';
import { greatest, least } from './statistics/sample.ts';

/** Some ten times what a call takes as arguments. */
const MANY = 1_000_000;
const numbers = Float64Array.from({ length: MANY }, (_, i) => (i * 7919) % MANY);
/** One object a million times: what is tried is the count. */
const record = recordOf({ repetitions: Array(MANY).fill(repetition()) });

test('many: the least and the greatest of a million', () => {
  assert.deepEqual([least(numbers), greatest(numbers)], [0, MANY - 1]);
});

test('many: the effect of a million against a million', () => {
  const values = [...numbers];
  assert.equal(cliffsDelta(values, values), 0);
});

test('many: a million repetitions of a record are compared', () => {
  const { pairs } = pairCells([record], [record], false);
  assert.deepEqual([pairs[0]!.a.observations.length, pairs[0]!.b.observations.length], [MANY, MANY]);
});

test('many: more repetitions than a call takes arguments are exported', () => {
  const some = recordOf({ repetitions: record.repetitions.slice(0, MANY / 5) });
  const [benchmark] = benchmarksOf([some]);
  assert.equal(benchmark!.repetitions.length, MANY / 5);
  const { name, value, low, high } = figuresOf(benchmark!)[0]!;
  const speed = repetition().transfersPerSecond;
  assert.deepEqual([name, value, low, high], ['throughput', speed, speed, speed]);
  assert.equal(goText([some]).match(/^Benchmark/gm)!.length, MANY / 5);
});

/** Functions that are called with values of data; `f({ ...one })` and `f([...some])` are others. */
const CALL = /(?:\bMath\.(?:min|max|hypot)|\.(?:push|unshift|splice)|\bfromC(?:harCode|odePoint))\(/g;

/** Calls whose arguments are spread out of a list. */
function spreadCalls(text: string): string[] {
  const code = text.replaceAll(/^\s*(?:\/?\*|\/\/).*$/gm, '');
  return [...code.matchAll(CALL)].flatMap((match) => {
    const start = match.index + match[0].length;
    let depth = 1;
    for (let at = start; depth > 0 && at < code.length; at++) {
      if ('([{'.includes(code[at]!)) depth++;
      else if (')]}'.includes(code[at]!)) depth--;
      else if (depth === 1 && code.startsWith('...', at)) return [code.slice(match.index, at + 20)];
    }
    return [];
  });
}

test('many: the scan finds a spread in a call, and nothing else', () => {
  // Put together here, so that the scan does not find them in this file.
  const spread = `${'.'.repeat(3)}values`;
  for (const call of [`Math.max(${spread})`, `Math.min(0, ${spread})`, `all.push(f(1), ${spread})`])
    assert.equal(spreadCalls(call).length, 1, call);
  for (const call of [`all.push([${spread}])`, `all.push({ ${spread} })`, `f(${spread})`, `Math.max(f(${spread}))`])
    assert.equal(spreadCalls(call).length, 0, call);
});

test('many: no list is spread into a call', () => {
  const found = ['bench', 'scripts'].flatMap((folder) =>
    readdirSync(join(PACKAGE_ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .flatMap((file) =>
        spreadCalls(readFileSync(join(PACKAGE_ROOT, folder, file), 'utf8')).map((call) => [file, call]),
      ),
  );
  assert.deepEqual(found, []);
});
