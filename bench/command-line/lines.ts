/** Lines for people on a stream that may have stopped to be read: beyond a bound they are counted, not kept. */
import type { Writable } from 'node:stream';

/** Bytes that may wait for their reader. */
const WAITING_BYTES_MAX = 1 << 20;

/** What writes lines to `stream`. Those left out are told of by their number, where they would have stood. */
export function boundedLines(stream: Writable, waitingBytesMax = WAITING_BYTES_MAX): (line: string) => void {
  let leftOut = 0;
  const tellLeftOut = () => {
    if (leftOut > 0) stream.write(`note: ${leftOut} ${leftOut === 1 ? 'line' : 'lines'} left out: nothing read them\n`);
    leftOut = 0;
  };
  return (line) => {
    if (stream.writableLength >= waitingBytesMax) {
      if (leftOut++ === 0) stream.once('drain', tellLeftOut);
      return;
    }
    tellLeftOut();
    stream.write(`${line}\n`);
  };
}
