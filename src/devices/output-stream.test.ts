import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { OutputStream } from './output-stream.ts';

const MARK_BYTES = 8;

/** A stream whose reader takes a chunk when it is told to. */
function stage() {
  const written: string[] = [];
  const warnings: string[] = [];
  const takes: ((error?: Error) => void)[] = [];
  const stream = new Writable({
    highWaterMark: MARK_BYTES,
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString());
      takes.push(done);
    },
  });
  const output = new OutputStream(stream, (line) => warnings.push(line));
  let room = 0;
  output.onRoom = () => room++;
  /** The reader takes everything. */
  const takeAll = async () => {
    while (takes.length > 0) {
      takes.shift()!();
      await turn();
    }
  };
  const say = (text: string) => output.write(Buffer.from(text), text.length);
  return { stream, output, written, warnings, takes, takeAll, say, room: () => room };
}
const turn = () => new Promise(setImmediate);
const text = (value: string) => new Uint8Array(Buffer.from(value));

test('output stream: what there is no room for is refused, and asked for when there is', async () => {
  const { say, takeAll, written, room } = stage();
  assert.equal(say('12345678'), true);
  assert.equal(say('9'), false);
  assert.equal(room(), 0);
  await takeAll();
  assert.equal(room(), 1);
  assert.equal(say('9'), true);
  await takeAll();
  assert.equal(written.join(''), '123456789');
});

test('output stream: bytes are copied, those of print taken over', async () => {
  const { output, written, takeAll } = stage();
  const bytes = text('abcd');
  output.write(bytes, 3);
  bytes.fill(0);
  await output.print(text('de'));
  await takeAll();
  assert.equal(written.join(''), 'abcde');
});

test('output stream: print waits for room in the order of the calls, and later writes wait behind it', async () => {
  const { output, say, written, takeAll, room } = stage();
  say('12345678');
  const done: number[] = [];
  for (let i = 0; i < 3; i++) void output.print(text(`<${i}......>`)).then(() => done.push(i));
  await turn();
  assert.deepEqual(done, []);
  assert.equal(say('late'), false);
  await takeAll();
  assert.deepEqual([done, room()], [[0, 1, 2], 1]);
  assert.equal(say('late'), true);
  await takeAll();
  assert.equal(written.join(''), '12345678<0......><1......><2......>late');
});

test('output stream: however much is printed, only what is under way is held', async () => {
  const { output, stream, takeAll, written } = stage();
  const underWay = 4;
  let printed = 0;
  const printer = async () => {
    for (let i = 0; i < 100; i++) {
      await output.print(text('0123456789'));
      printed++;
      assert.ok(stream.writableLength <= MARK_BYTES + 10, `${stream.writableLength} bytes wait in the stream`);
    }
  };
  const printers = Promise.all(Array.from({ length: underWay }, printer));
  await turn();
  assert.ok(printed <= 1, `${printed} were printed though nothing is read`);
  const reading = setInterval(takeAll, 0);
  await printers;
  await takeAll();
  clearInterval(reading);
  assert.equal(written.join('').length, 4000);
});

const ends: [what: string, end: (stream: Writable, takes: ((error?: Error) => void)[]) => void, why: RegExp][] = [
  ['whose write fails', (_, takes) => takes.shift()!(new Error('ENOSPC: planted')), /ENOSPC: planted/],
  ['that is destroyed with an error', (stream) => stream.destroy(new Error('EPIPE: planted')), /EPIPE: planted/],
  ['that is destroyed', (stream) => stream.destroy(), /the stream was closed/],
];
for (const [what, end, why] of ends)
  test(`output stream: a stream ${what} is told of once, and everything goes on`, async () => {
    const { output, stream, takes, say, warnings, room } = stage();
    say('12345678');
    assert.equal(say('9'), false);
    const printed = [output.print(text('a')), output.print(text('b'))];
    end(stream, takes);
    await Promise.all(printed);
    assert.equal(room(), 1);
    for (let i = 0; i < 1000; i++) {
      assert.equal(say('0123456789'), true);
      await output.print(text('0123456789'));
    }
    await turn();
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /^Failed to write console output, ignoring it\. \(.*\)$/);
    assert.match(warnings[0]!, why);
    output.close();
  });

test('output stream: a stream that had ended before is told of at the first write', () => {
  const { output, stream, say, warnings } = stage();
  stream.destroy();
  assert.equal(say('a'), true);
  assert.equal(say('b'), true);
  assert.equal(warnings.length, 1);
  output.close();
});

test('output stream: closing leaves what was printed to the stream, and no listener', async () => {
  const { output, stream, say, written, takeAll } = stage();
  say('12345678');
  const printed = output.print(text('last'));
  output.close();
  output.close();
  await printed;
  await takeAll();
  assert.equal(written.join(''), '12345678last');
  assert.deepEqual(
    ['drain', 'close'].map((event) => stream.listenerCount(event)),
    [0, 0],
  );
});

test('output stream: what fails after closing is not told, and no crash', async () => {
  const { output, takes, say, warnings } = stage();
  say('1');
  output.close();
  takes.shift()!(new Error('EPIPE: planted'));
  await turn();
  assert.deepEqual(warnings, []);
});
