/** For tests: a guest that does what its command line says. */
import type { Guest } from '../guest.ts';

const FOREVER_MS = Infinity;
/** Of a wait for what does not come. */
const BOUND_MS = 60_000;

/** What is no address and no error. */
const ODD: Record<string, unknown> = {
  null: null,
  text: 'a\u001b[2Jb',
  object: { toString: 7 },
  error: new RangeError('one\u001b[31m\ntwo'),
};

const ACTS: Record<string, (guest: Guest, argument: string) => void | Promise<void>> = {
  return: () => {},
  halt: (guest) => guest.halt(),
  die: (guest, reason) => guest.halt(reason),
  throw: (_, message) => {
    throw new Error(message);
  },
  reject: async (_, message) => {
    await null;
    throw new Error(message);
  },
  exit: (_, code) => process.exit(Number(code)),
  loop: () => {
    for (;;);
  },
  'loop-and-catch': (guest) => {
    for (;;)
      try {
        guest.halt('caught');
      } catch {}
  },
  wait: (guest) => {
    guest.waitForInterrupt(FOREVER_MS);
  },
  'never-settle': () => new Promise(() => {}),
  memory: () => {
    const hoard: number[][] = [];
    for (;;) hoard.push(Array.from({ length: 1e6 }, (_, i) => i / 3));
  },
  text: (guest, text) => {
    new Uint8Array(guest.memory.buffer).set(new TextEncoder().encode(`${text}\0`), 4096);
    guest.notify(4096);
  },
  flood: (guest, count) => {
    new Uint8Array(guest.memory.buffer).set(new TextEncoder().encode('.\0'), 4096);
    for (let i = 0; i < Number(count); i++) guest.notify(4096);
  },
  notify: (guest, address) => guest.notify(Number(address)),
  'notify-odd': (guest, what) => guest.notify(ODD[what] as number),
  'throw-odd': (_, what) => {
    throw ODD[what];
  },
  log: (guest, text) => {
    console.log(text);
    new Uint8Array(guest.memory.buffer).set(new TextEncoder().encode('early\0'), 4096);
    guest.notify(4096);
    console.error('%s %d', text, 7);
    process.stdout.write('raw\n');
  },
  environment: (guest) => guest.halt(`${Object.keys(process.env).length} ${process.argv.slice(2).length}`),
  // Answers interrupt n by a notify of page n, so many times.
  echo: (guest, count) => {
    for (let left = Number(count); left > 0; left--) {
      const line = guest.waitForInterrupt(BOUND_MS);
      if (line === 0) guest.halt(`an interrupt is lost, ${left} were left`);
      guest.notify(line * 4096);
    }
  },
};

export default (guest: Guest): void | Promise<void> => {
  const [verb = '', ...rest] = guest.commandLine.split(' ');
  return ACTS[verb]?.(guest, rest.join(' '));
};
