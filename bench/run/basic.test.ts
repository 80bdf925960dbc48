/**
 * The basic test in every combination of features; with the slow range, which takes seconds, in those of no and of all
 * features, the others in the long form: in a process of its own, for its memory.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Vringh } from '../../src/host/vringh.ts';
import { inLength } from '../../src/test-length.ts';
import { runBasicTest } from './basic.ts';

const features = Array.from({ length: 8 }, (_, bits) => ({
  indirect: (bits & 1) !== 0,
  eventIdx: (bits & 2) !== 0,
  version1: (bits & 4) !== 0,
}));
const slowly = inLength([features.at(0), features.at(-1)], features);
const named = (of: object) =>
  Object.entries(of)
    .filter(([, on]) => on)
    .map(([name]) => name)
    .join(' ') || 'no features';

/** The huge request is 67,108,864 elements of one byte with the slow range. */
const PEAK_MAX_KIB = 1.5 * 1024 * 1024;

for (const each of features) {
  test(`basic: ${named(each)}`, () => {
    const lines: string[] = [];
    runBasicTest({ features: each, slowRange: false, ordering: 'seqcst' }, (line) => lines.push(line));
    assert.equal(lines.length, 5);
    assert.match(lines[2]!, /^huge request: 256 elements, 67108864 bytes/);
    assert.match(lines[4]!, each.indirect ? /7 elements, 28 bytes in order/ : /not without --indirect/);
  });

  const skip = !slowly.includes(each) && 'in the long form';
  test(`basic: ${named(each)}, slow range`, { skip }, async () => {
    const script = `
      import { runBasicTest } from '${new URL('./basic.js', import.meta.url).href}';
      runBasicTest({ features: ${JSON.stringify(each)}, slowRange: true, ordering: 'seqcst' }, console.log);
      console.log(process.resourceUsage().maxRSS);`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    const lines = stdout.trim().split('\n');
    assert.equal(lines.length, 6);
    assert.match(lines[2]!, /^huge request: 67108864 elements, 67108864 bytes/);
    assert.match(lines[4]!, each.indirect ? /28 elements, 28 bytes in order/ : /not without --indirect/);
    assert.ok(Number(lines[5]) < PEAK_MAX_KIB, `${lines[5]} KiB at the peak`);
  });
}

test('basic: a host that says of one request that it wrote a byte more fails the test', (context) => {
  const plain = { features: features[0]!, slowRange: false, ordering: 'seqcst' } as const;
  const { complete, completeMulti } = Vringh.prototype;
  const one = context.mock.method(Vringh.prototype, 'complete', function (this: Vringh, ...[request, bytes]) {
    complete.call(this, request, bytes + 1);
  } as typeof complete);
  assert.throws(() => runBasicTest(plain, () => {}), {
    name: 'CheckFailed',
    message: 'used length: expected 2, got 3',
  });
  one.mock.restore();
  // The huge request is one, and carries nothing back; then many are completed at once, of which the last lies.
  for (const lying of [1, 256]) {
    const many = context.mock.method(Vringh.prototype, 'completeMulti', function (this: Vringh, ...[used, count]) {
      if (count === lying) used[2 * count - 1]!++;
      completeMulti.call(this, used, count);
    } as typeof completeMulti);
    assert.throws(() => runBasicTest(plain, () => {}), { message: 'used length: expected 0, got 1' });
    many.mock.restore();
  }
});
