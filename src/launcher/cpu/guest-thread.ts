/**
 * The whole work of a guest's thread: loads the guest's code, gives it its machine, and tells how it ended. Messages
 * go out while the guest blocks the thread: nothing here needs its event loop.
 *
 * A Wasm module reaches its memory and the hypercalls, nothing else. An ES module is a program of Node's: it is meant to
 * use its machine alone, gets no environment and no arguments, and can be ended at any time, but nothing stops it
 * from importing what Node has. Code that is not trusted belongs into a Wasm module. What it writes by `console` or to a
 * standard stream goes out as a message at once, in order with all else that it says.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import type { MessagePort } from 'node:worker_threads';
import type { Guest, GuestMain } from '../guest.ts';
import type { GuestBoot } from '../guest-boot.ts';
import { makeGuest } from './hypercalls.ts';
import { runWasm } from './wasm-guest.ts';

export interface GuestTask {
  readonly boot: GuestBoot;
  /** One 32-bit word: pieces told and not handled yet. */
  readonly untold: SharedArrayBuffer;
  /** Notified addresses are told, too. */
  readonly tellsNotify: boolean;
}

export type GuestMessage =
  | { readonly print: Uint8Array }
  | { readonly logged: Uint8Array }
  | { readonly notified: number }
  | { readonly halted: true }
  | { readonly died: string };

/** So much may be on its way to the launcher: a guest that talks without end waits for its listener. */
export const UNTOLD_MAX = 64;
const UNTOLD_WAIT_MS = 100;
/** Bound, milliseconds, of the process that finds where a module cannot be read. */
const PLACE_TIMEOUT_MS = 10_000;

export async function runGuest(port: MessagePort, { boot, untold, tellsNotify }: GuestTask): Promise<void> {
  const waiting = new Int32Array(untold);
  const tell = (message: GuestMessage) => port.postMessage(message);
  const untilFewerThan = (bound: number) => {
    for (let count = Atomics.load(waiting, 0); count >= bound; count = Atomics.load(waiting, 0))
      Atomics.wait(waiting, 0, count, UNTOLD_WAIT_MS);
  };
  const tellInTurn = (message: GuestMessage) => {
    untilFewerThan(UNTOLD_MAX);
    Atomics.add(waiting, 0, 1);
    tell(message);
  };
  // Text is out before the guest goes on: what its console says later comes behind it.
  const print = (text: Uint8Array) => {
    tellInTurn({ print: text });
    untilFewerThan(1);
  };
  // Ends the thread in the middle of whatever the guest does; no catch of the guest's can hold it.
  const end = (message: GuestMessage): never => {
    tell(message);
    process.exit();
  };
  takeStreams((logged) => tellInTurn({ logged }));
  const guest = makeGuest(boot, {
    print,
    notified: tellsNotify ? (notified) => tellInTurn({ notified }) : () => {},
    halted: () => end({ halted: true }),
    died: (reason) => end({ died: reason }),
  });
  const main = await load(boot.entry);
  await main(guest);
  guest.halt();
}

/** What is written to the thread's standard streams is told before the write returns. They stay the engine's own. */
function takeStreams(tell: (bytes: Uint8Array) => void): void {
  const _write: Writable['_write'] = (chunk: Uint8Array | string, encoding, done) => {
    tell(new Uint8Array(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk));
    done();
  };
  for (const stream of [process.stdout, process.stderr]) Object.assign(stream, { _write, _writev: null });
}

/** @throws what the engine throws; a SyntaxError says in which file and line it is */
async function importModule(entry: string): Promise<{ default?: GuestMain }> {
  try {
    return (await import(entry)) as { default?: GuestMain };
  } catch (error) {
    const place = error instanceof SyntaxError ? placeOfMistake(entry) : null;
    throw place === null ? error : new SyntaxError(`${(error as Error).message} (${place})`, { cause: error });
  }
}

/**
 * Where a module, or one that it imports, cannot be read: the engine tells it only of a program's last error. Another
 * process imports it behind a module that ends the process: all are read before the first is run, so the guest's code
 * does not run again. Null: it was not told, or the code can be read and has thrown the error itself.
 */
function placeOfMistake(entry: string): string | null {
  const code = `import 'data:text/javascript,process.exit()'; import ${JSON.stringify(entry)};`;
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    ...{ encoding: 'utf8', timeout: PLACE_TIMEOUT_MS, stdio: ['ignore', 'ignore', 'pipe'], env: {} },
  });
  return /^(file:\S+:\d+)$/m.exec(stderr ?? '')?.[1] ?? null;
}

/** The guest's code as a function of its machine. @throws Error that says why it is none */
async function load(entry: string): Promise<(guest: Guest) => void | Promise<void>> {
  if (new URL(entry).pathname.endsWith('.wasm')) {
    const code = readFileSync(new URL(entry));
    return (guest) => runWasm(code, guest);
  }
  const { default: main } = await importModule(entry);
  if (typeof main !== 'function') throw new TypeError(`${entry} exports no function as default`);
  return main;
}
