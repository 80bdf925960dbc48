/**
 * The terminal while a guest has it: no signals, no line mode, no echo, nothing else changed; and as it was before on
 * every way out: `restore`, the process's exit for whatever reason, and the signals that end one. Main thread.
 */
import { isatty } from 'node:tty';
import { whyUnavailable } from '../native/libc.ts';
import { rawSettings, readTerminal, writeTerminal } from '../native/terminal.ts';
import { watchWayOut } from './way-out.ts';

/** Sets a terminal, and how to undo it. Undone more than once, it does nothing more. */
export interface TerminalMode {
  restore(): void;
}

/** A terminal as Node has it, for where libc cannot be called: its raw mode changes a little more. */
export interface NodeTerminal {
  readonly fd: number;
  setRawMode(raw: boolean): unknown;
}

/** @throws SystemError ENOTTY if it is no terminal */
export function takeTerminal(terminal: NodeTerminal): TerminalMode {
  const mode = undoneOnce(whyUnavailable() === null ? setNative(terminal.fd) : setByNode(terminal));
  const unwatch = watchWayOut(() => restore());
  const restore = () => {
    unwatch();
    mode.restore();
  };
  return { restore };
}

/** For a program that sets the terminal itself, and may be killed: `restore` makes it as it is now. Needs libc. */
export function keepTerminal(descriptor: number): TerminalMode {
  if (!isatty(descriptor)) return { restore: () => {} };
  const before = readTerminal(descriptor);
  return undoneOnce(() => writeTerminal(descriptor, before));
}

function undoneOnce(undo: () => void): TerminalMode {
  let taken = true;
  return {
    restore: () => {
      if (!taken) return;
      taken = false;
      try {
        undo();
      } catch {
        // It has gone away: nobody is left to be disturbed by how it was set.
      }
    },
  };
}

function setNative(descriptor: number): () => void {
  const before = readTerminal(descriptor);
  writeTerminal(descriptor, rawSettings(before));
  return () => writeTerminal(descriptor, before);
}

function setByNode(terminal: NodeTerminal): () => void {
  terminal.setRawMode(true);
  return () => terminal.setRawMode(false);
}
