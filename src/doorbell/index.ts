/** The table of doorbells: a new one is a file and a line here; command line, help and tests read it. */
import { adaptive } from './adaptive.ts';
import type { DoorbellStrategy } from './doorbell.ts';
import { eventfd } from './eventfd.ts';
import { futex } from './futex.ts';
import { messagePort } from './message-port.ts';
import { pipe } from './pipe.ts';
import { poll } from './poll.ts';
import { spin } from './spin.ts';
import { waitAsyncDoorbell } from './wait-async.ts';

export const DOORBELLS = {
  futex,
  spin,
  adaptive,
  poll,
  'wait-async': waitAsyncDoorbell,
  'message-port': messagePort,
  pipe,
  eventfd,
} as const satisfies Record<string, DoorbellStrategy>;

export type DoorbellName = keyof typeof DOORBELLS;
