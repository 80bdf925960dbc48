/**
 * The one end for a guest that breaks a rule: an error that says which, in lguest's words and with the number that was
 * wrong. Whoever runs the guest prints it and stops the guest. Plain text, so that it crosses threads as a message.
 */
import { RingError, type RingErrorCode } from '../ring/errors.ts';
import { hex } from './errors.ts';

export class BadGuest extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BadGuest';
  }
}

/** What lguest's Launcher says of a broken ring; of other codes it knows nothing. */
const WORDS: Partial<Record<RingErrorCode, (value: number, index: number) => string>> = {
  'avail-index-jump': (value, index) => `Guest moved used index from ${index} to ${value}`,
  'avail-head-out-of-range': (value) => `Guest says index ${value} is available`,
  'avail-head-in-flight': (value) => `Guest says index ${value} is available, but it is in flight`,
  'next-out-of-range': (value) => `Desc next is ${value}`,
  'descriptor-loop': (value) => `Looped descriptor ${value}`,
  'readable-after-writable': (_, index) => `Descriptor ${index} has out after in`,
  'address-outside-memory': (value) => `Invalid address ${hex(value)}`,
};

/** Why a guest is stopped, from what the service of its queue threw; null if that was not the guest's doing. */
export function badGuestOf(error: unknown): BadGuest | null {
  if (error instanceof BadGuest) return error;
  if (!(error instanceof RingError)) return null;
  const words = WORDS[error.code]?.(error.value, error.index);
  return new BadGuest(words === undefined ? error.message : `${words} (${error.queue})`, { cause: error });
}
