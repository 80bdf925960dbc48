/**
 * The terminal while a guest has it: no signals, no line mode, no echo, nothing else changed; and as it was before on
 * every way out: `restore`, the process's exit for whatever reason, and the signals that end one. SIGKILL nobody sees.
 * Main thread: signals and exits are only seen there.
 */
import { whyUnavailable } from '../native/libc.ts';
import { rawSettings, readTerminal, writeTerminal } from '../native/terminal.ts';

/** What ends a process that does not listen. */
const ENDING = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;

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
  const undo = whyUnavailable() === null ? setNative(terminal.fd) : setByNode(terminal);
  let taken = true;
  const restore = () => {
    if (!taken) return;
    taken = false;
    process.off('exit', restore);
    for (const signal of ENDING) process.off(signal, end);
    try {
      undo();
    } catch {
      // It has gone away: nobody is left to be disturbed by how it was set.
    }
  };
  const end = (signal: NodeJS.Signals) => {
    // Whoever else listens decides whether the process ends; if nobody does, it ends as if we had not listened.
    const others = process.listenerCount(signal) > 1;
    restore();
    if (!others) process.kill(process.pid, signal);
  };
  process.on('exit', restore);
  for (const signal of ENDING) process.on(signal, end);
  return { restore };
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
