/**
 * What a guest threw, for people: what it says as a line, and where it comes from. Launcher's thread, or the guest's.
 * Text of a guest may be anything: it is cut, and its control characters go.
 */
import { plainLine } from '../plain-line.ts';

/** Of a stack; more says nothing. */
const FRAMES_MAX = 10;
const STACK_CHARACTERS_MAX = 10_000;

/** Frames of the engine, and of this program where it calls the guest. */
const NOT_THE_GUESTS =
  /node:internal|\/launcher\/cpu\/(?:guest-thread|wasm-guest|hypercalls)\.js|\/workers\/launch-guest\.js/;

export class GuestFault extends Error {
  /** The guest's own frames, each a line that names its place. */
  readonly frames: readonly string[];

  /** Of what the guest has thrown. */
  constructor(thrown: unknown) {
    const isError = thrown instanceof Error;
    super(plainLine(isError ? String(thrown.message) : `it threw ${shown(thrown)}`), { cause: thrown });
    this.name = 'GuestFault';
    const lines = isError ? String(thrown.stack).slice(0, STACK_CHARACTERS_MAX).split('\n') : [];
    const own = lines.filter((line) => /^\s+at /.test(line) && !NOT_THE_GUESTS.test(line));
    this.frames = own.slice(0, FRAMES_MAX).map(plainLine);
    this.stack = [this.message, ...this.frames.map((frame) => `    ${frame}`)].join('\n');
  }
}

function shown(value: unknown): string {
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}
