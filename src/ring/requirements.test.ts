/** `requirements.md` is complete, and every test that it names exists. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { testTitles, whyNoTitle } from '../test-titles.ts';

/** The map lies beside the source, whose compiled test this is. */
const MAP = new URL('../../../src/ring/requirements.md', import.meta.url);

const COUNT = 35;

interface HeldBy {
  file: string;
  title: string;
}
interface Requirement {
  id: string;
  heading: string;
  demand: string;
  tests: HeldBy[];
}

/** Reads the map. @throws Error for a line that is nothing of it, so that none is overlooked */
function readMap(text: string): Requirement[] {
  const requirements: Requirement[] = [];
  const body = text.slice(text.indexOf('\n## '));
  for (const line of body.split('\n')) {
    const found = requirements.at(-1);
    const [, heading, id] = /^### ((S\d+), .*)$/.exec(line) ?? [];
    const [, file, title] = /^- `([^`]+)`: (.+)$/.exec(line) ?? [];
    if (id !== undefined) requirements.push({ id, heading: heading!, demand: '', tests: [] });
    else if (line === '' || /^## \S/.test(line)) continue;
    else if (found === undefined) throw new Error(`before the first demand: ${line}`);
    else if (file !== undefined) found.tests.push({ file, title: title! });
    else if (/^[A-Z]/.test(line) && found.demand === '' && found.tests.length === 0) found.demand = line;
    else if (!/^- By rule: ./.test(line)) throw new Error(`neither demand nor test: ${line}`);
  }
  return requirements;
}

const map = readMap(readFileSync(MAP, 'utf8'));
const titles = testTitles(map.flatMap(({ tests }) => tests.map(({ file }) => file)));

test('requirements: every number from 1 on once', () => {
  const numbers = map.map(({ id }) => Number(id.slice(1))).sort((a, b) => a - b);
  assert.deepEqual(
    numbers,
    Array.from({ length: COUNT }, (_, i) => i + 1),
  );
});

for (const { id, heading, demand, tests } of map)
  test(`requirements: ${id} says who, where and what, and has tests that exist`, () => {
    assert.match(heading, /^S\d+, (driver|device|both), 2(\.\d+)+( and 2(\.\d+)+)?$/);
    assert.notEqual(demand, '');
    assert.ok(tests.length > 0, 'it has no test');
    assert.equal(new Set(tests.map(({ file, title }) => `${file} ${title}`)).size, tests.length, 'a test stands twice');
    for (const { file, title } of tests) assert.equal(whyNoTitle(titles[file]!, title), null, file);
  });

const broken: [string, string, RegExp][] = [
  // what, map behind its introduction, refused because
  ['a line that is no test', '### S1, driver, 2.7\nWhat.\n- src/a.test.ts: a title', /neither demand nor test/],
  ['two demands', '### S1, driver, 2.7\nWhat.\nWhat else.', /neither demand nor test/],
  ['a test of nothing', '- `src/a.test.ts`: a title', /before the first demand/],
];
for (const [what, text, reason] of broken)
  test(`requirements: the check finds ${what}`, () => assert.throws(() => readMap(`\n## A part\n${text}`), reason));
