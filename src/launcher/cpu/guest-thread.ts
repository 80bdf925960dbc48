/**
 * The whole work of a guest's thread: loads the guest's code, gives it its machine, and tells how it ended. Messages
 * go out while the guest blocks the thread: nothing here needs its event loop.
 *
 * A Wasm module reaches its memory and the hypercalls, nothing else. An ES module is a program of Node's: it is meant to
 * use its machine alone, gets no environment, arguments or streams, and can be ended at any time, but nothing stops it
 * from importing what Node has. Code that is not trusted belongs into a Wasm module.
 */
import { readFileSync } from 'node:fs';
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
  | { readonly notified: number }
  | { readonly halted: true }
  | { readonly died: string };

/** So much may be on its way to the launcher: a guest that talks without end waits for its listener. */
export const UNTOLD_MAX = 64;
const UNTOLD_WAIT_MS = 100;

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

/** The guest's code as a function of its machine. @throws Error that says why it is none */
async function load(entry: string): Promise<(guest: Guest) => void | Promise<void>> {
  if (new URL(entry).pathname.endsWith('.wasm')) {
    const code = readFileSync(new URL(entry));
    return (guest) => runWasm(code, guest);
  }
  const { default: main } = (await import(entry)) as { default?: GuestMain };
  if (typeof main !== 'function') throw new TypeError(`${entry} exports no function as default`);
  return main;
}
