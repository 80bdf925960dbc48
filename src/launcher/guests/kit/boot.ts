/** What every guest does first: finds the bus, takes its memory, opens the console. Guest thread. */
import { LguestBus } from '../../../drivers/bus.ts';
import { driveConsole } from '../../../drivers/bus-drivers.ts';
import { GuestRam } from '../../../drivers/ram.ts';
import { VIRTIO_ID_CONSOLE } from '../../../formats/ids.ts';
import type { Guest } from '../../guest.ts';
import { Terminal } from './terminal.ts';

export interface Booted {
  readonly bus: LguestBus;
  readonly ram: GuestRam;
  readonly terminal: Terminal;
  /** The words of the command line. */
  readonly words: readonly string[];
}

/** Dies without a console: a launcher always has one. */
export function boot(guest: Guest): Booted {
  const bus = new LguestBus(guest);
  const ram = new GuestRam(bus.region, guest.ramBytes);
  const found = bus.devicesOf(VIRTIO_ID_CONSOLE)[0];
  if (found === undefined) return guest.halt('there is no console');
  const terminal = new Terminal(guest, driveConsole(found, ram));
  const words = guest.commandLine.split(' ').filter((word) => word !== '');
  return { bus, ram, terminal, words };
}

/** Dies of what a guest could not do, after all that it has printed. The machine tells people the reason. */
export function fail(guest: Guest, terminal: Terminal, name: string, error: unknown): never {
  // What is no Error is how a machine may end its guest.
  if (!(error instanceof Error)) throw error;
  terminal.drain();
  return guest.halt(`${name} failed: ${error.message}`);
}
