/**
 * Text on the guest's console. Guest thread. What is printed waits for room as long as it takes: people may hold their
 * terminal. The machine can end a guest that waits.
 */
import type { ConsoleDriver } from '../../../drivers/console.ts';
import type { Guest } from '../../guest.ts';
import { type CallSource, waitForAny } from './wait.ts';

/** A wait for room is begun anew so often. */
const ROOM_WAIT_MS = 30_000;
/** A guest that ends waits no longer for its text to be taken. */
const DRAIN_TIMEOUT_MS = 5000;

export class Terminal {
  private readonly guest: Guest;
  private readonly driver: ConsoleDriver;
  private readonly room: readonly CallSource[];
  private readonly encoder = new TextEncoder();
  private readonly decoder = new TextDecoder();
  private readonly bytes = new Uint8Array(256);

  constructor(guest: Guest, driver: ConsoleDriver) {
    this.guest = guest;
    this.driver = driver;
    this.room = [{ disableCalls: () => driver.disableRoomCalls(), enableCalls: () => driver.enableRoomCalls() }];
  }

  /** What calls the guest when something is typed. */
  get input(): CallSource {
    return this.driver.input;
  }

  print(text: string): void {
    const bytes = this.encoder.encode(text);
    for (let at = 0; at < bytes.length; ) {
      const sent = this.driver.write(bytes, at);
      at += sent;
      if (sent === 0) waitForAny(this.guest, this.room, ROOM_WAIT_MS);
    }
  }

  printLine(text = ''): void {
    this.print(`${text}\n`);
  }

  /** Waits until the console has taken all. */
  drain(): void {
    while (this.driver.inFlight > 0 && waitForAny(this.guest, this.room, DRAIN_TIMEOUT_MS));
  }

  /** What was typed and not read yet, or some of it; '': nothing. */
  read(): string {
    const length = this.driver.input.read(this.bytes);
    return length === 0 ? '' : this.decoder.decode(this.bytes.subarray(0, length), { stream: true });
  }
}
