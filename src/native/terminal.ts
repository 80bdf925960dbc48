/**
 * How a terminal treats what is typed: its settings, read and written whole, so that what is not meant to change does
 * not. Node's own raw mode changes more than that: flow control, carriage returns, what is extended input.
 *
 *     struct termios   u32 input | output | control | local modes | u8 line | u8 characters[32] | pad | u32 speeds[2]
 */
import { systemError } from './errors.ts';
import { lazyCalls, libc } from './libc.ts';

interface Calls {
  tcgetattr(descriptor: number, settings: Uint32Array): number;
  tcsetattr(descriptor: number, when: number, settings: Uint32Array): number;
}

const calls = lazyCalls<Calls>({
  tcgetattr: 'int tcgetattr(int descriptor, void *settings)',
  tcsetattr: 'int tcsetattr(int descriptor, int when, void *settings)',
});

const TCSANOW = 0;
/** Words: the structure has 15. */
const SETTINGS_WORDS = 16;
const LOCAL_MODES = 3;

/** Local modes, as x64 and arm64 number them. */
const ISIG = 0o1;
const ICANON = 0o2;
const ECHO = 0o10;

/** A terminal's settings, as they were read. */
export type TerminalSettings = Uint32Array;

/** @throws SystemError ENOTTY if it is no terminal */
export function readTerminal(descriptor: number): TerminalSettings {
  const settings = new Uint32Array(new ArrayBuffer(SETTINGS_WORDS * 4));
  if (calls().tcgetattr(descriptor, settings) < 0) throw systemError('tcgetattr', libc().errno());
  return settings;
}

/** At once: what was written and not shown yet, and typed and not read yet, stays. */
export function writeTerminal(descriptor: number, settings: TerminalSettings): void {
  if (calls().tcsetattr(descriptor, TCSANOW, settings) < 0) throw systemError('tcsetattr', libc().errno());
}

/** The same settings but for this: every character is read as it is typed, none is shown, none is a signal. */
export function rawSettings(settings: TerminalSettings): TerminalSettings {
  const raw = settings.slice();
  raw[LOCAL_MODES] = raw[LOCAL_MODES]! & ~(ISIG | ICANON | ECHO);
  return raw;
}
