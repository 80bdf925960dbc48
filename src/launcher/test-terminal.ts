/**
 * For tests, in a process of its own: takes the terminal, says so, and says what is typed, in hexadecimal. `x` ends it
 * the way that its argument names, others than signals. Its clock stands still: however late keys come, they are typed
 * within a second.
 */
import { Worker } from 'node:worker_threads';
import { Terminal } from './terminal.ts';

const ENDS: Readonly<Record<string, () => void>> = {
  exit: () => process.exit(0),
  throw: () => {
    throw new Error('thrown');
  },
  reject: () => void Promise.reject(new Error('rejected')),
  worker: () => {
    new Worker(new URL('data:text/javascript,throw new Error("in a worker")'));
  },
  close: () => {
    terminal.close();
    clearInterval(alive);
  },
};

const [way] = process.argv.slice(2);
// The runner of tests starts every file it finds.
const alive = setInterval(() => {}, 1000);
if (way === undefined) clearInterval(alive);
const terminal = new Terminal({ now: () => 0, ...(way === undefined ? { abort: () => {} } : {}) });
if (way === undefined) terminal.close();
const bytes = new Uint8Array(4096);
const say = (line: string) => {
  const text = new TextEncoder().encode(`${line}\n`);
  terminal.write(text, text.length);
};
terminal.onReadable = () => {
  for (let count = terminal.read(bytes, bytes.length); count > 0; count = terminal.read(bytes, bytes.length)) {
    say(`got ${Buffer.from(bytes.subarray(0, count)).toString('hex')}`);
    if (way !== undefined && bytes.subarray(0, count).includes(0x78)) ENDS[way]?.();
  }
};
if (way !== undefined) say(`ready ${process.pid}`);
