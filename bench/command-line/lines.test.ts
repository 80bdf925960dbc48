import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { boundedLines } from './lines.ts';

/** A stream whose reader takes a chunk when it is told to. */
function stage() {
  const written: string[] = [];
  const takes: (() => void)[] = [];
  const stream = new Writable({
    highWaterMark: 1,
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString());
      takes.push(done);
    },
  });
  const takeAll = async () => {
    while (takes.length > 0) {
      takes.shift()!();
      await new Promise(setImmediate);
    }
  };
  return { stream, written, takeAll, line: boundedLines(stream, 10) };
}

test('lines: with a reader all are written', async () => {
  const { written, takeAll, line } = stage();
  for (let i = 0; i < 20; i++) {
    line(`line ${i}`);
    await takeAll();
  }
  assert.equal(written.length, 20);
  assert.equal(written[19], 'line 19\n');
});

test('lines: without one they are counted, and their number is told once there is one', async () => {
  const { stream, written, takeAll, line } = stage();
  for (let i = 0; i < 100_000; i++) line(`line ${i}`);
  assert.ok(stream.writableLength < 20, `${stream.writableLength} bytes wait`);
  await takeAll();
  line('later');
  await takeAll();
  assert.deepEqual(written, ['line 0\n', 'line 1\n', 'note: 99998 lines left out: nothing read them\n', 'later\n']);
});

test('lines: one left out is one line', async () => {
  const { written, takeAll, line } = stage();
  for (const text of ['0123456789', 'left out']) line(text);
  await takeAll();
  assert.equal(written.at(-1), 'note: 1 line left out: nothing read them\n');
});
